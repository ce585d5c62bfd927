//! The properties of subnets that EC2 sets after the creation, a call each.

use super::ec2::known;
use crate::resource::{Cx, Result};
use aws_sdk_ec2::operation::modify_subnet_attribute::builders::ModifySubnetAttributeFluentBuilder;
use aws_sdk_ec2::types::AttributeBooleanValue;
use serde_json::{Value, json};

/// The properties, nested names joined by `/`.
const SWITCHES: [&str; 7] = [
    PUBLIC_IP,
    ASSIGN_IPV6,
    DNS64,
    LOCAL_INTERFACES,
    HOSTNAME_TYPE,
    "PrivateDnsNameOptionsOnLaunch/EnableResourceNameDnsARecord",
    AAAA_RECORD,
];
const PUBLIC_IP: &str = "MapPublicIpOnLaunch";
const ASSIGN_IPV6: &str = "AssignIpv6AddressOnCreation";
const DNS64: &str = "EnableDns64";
const LOCAL_INTERFACES: &str = "EnableLniAtDeviceIndex";
const HOSTNAME_TYPE: &str = "PrivateDnsNameOptionsOnLaunch/HostnameType";
const AAAA_RECORD: &str = "PrivateDnsNameOptionsOnLaunch/EnableResourceNameDnsAAAARecord";

/// Returns what lies at a path of names joined by `/`.
pub(super) fn at(properties: &Value, path: &str) -> Value {
    properties.pointer(&format!("/{path}")).cloned().unwrap_or_default()
}

/// Whether a switch should be off.
pub(super) fn is_off(desired: &Value, path: &str) -> bool {
    matches!(wanted(desired, path), Value::Null | Value::Bool(false))
}

/// Returns how a switch should be: EC2's default where it is unset.
fn wanted(desired: &Value, path: &str) -> Value {
    let is_native = desired["Ipv6Native"] == true;
    match at(desired, path) {
        Value::Null => match path {
            LOCAL_INTERFACES => Value::Null,
            HOSTNAME_TYPE if is_native => json!("resource-name"),
            HOSTNAME_TYPE => json!("ip-name"),
            ASSIGN_IPV6 => json!(is_native),
            _ => json!(false),
        },
        set => set,
    }
}

/// Turns the switches of a subnet that are `named` and that are not yet, by
/// what was `before`, as they should be.
pub(super) async fn turn(
    id: &str,
    desired: &Value,
    before: &Value,
    named: impl Fn(&str) -> bool,
    cx: &Cx,
) -> Result<()> {
    for path in SWITCHES.into_iter().filter(|path| named(path)) {
        let wanted = wanted(desired, path);
        let now = match at(before, path) {
            Value::Null => self::wanted(&Value::Null, path),
            now => now,
        };
        // EC2 does not show the position of local interfaces.
        if wanted == now && path != LOCAL_INTERFACES {
            continue;
        }
        let request = switched(cx.ec2().modify_subnet_attribute().subnet_id(id), path, &wanted);
        known(cx, || cx.mutate("ec2:ModifySubnetAttribute", || request.clone().send())).await?;
    }
    Ok(())
}

/// Gives a request the one switch that it turns.
fn switched(
    request: ModifySubnetAttributeFluentBuilder,
    path: &str,
    wanted: &Value,
) -> ModifySubnetAttributeFluentBuilder {
    let to = |on: bool| AttributeBooleanValue::builder().value(on).build();
    let on = to(*wanted == Value::Bool(true));
    match path {
        PUBLIC_IP => request.map_public_ip_on_launch(on),
        ASSIGN_IPV6 => request.assign_ipv6_address_on_creation(on),
        DNS64 => request.enable_dns64(on),
        LOCAL_INTERFACES => match wanted.as_i64().and_then(|index| i32::try_from(index).ok()) {
            Some(index) => request.enable_lni_at_device_index(index),
            None => request.disable_lni_at_device_index(to(true)),
        },
        HOSTNAME_TYPE => {
            request.private_dns_hostname_type_on_launch(wanted.as_str().unwrap_or("ip-name").into())
        }
        AAAA_RECORD => request.enable_resource_name_dns_aaaa_record_on_launch(on),
        _ => request.enable_resource_name_dns_a_record_on_launch(on),
    }
}
