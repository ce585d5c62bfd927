//! What EC2 refuses of security groups and their rules, or spells otherwise.

use super::ec2::Blocks;
use super::ec2_security_group_properties::{WITH_PORTS, has_ports};
use crate::resource::Fault;
use crate::value::has_unknown;
use serde_json::Value;

/// The properties that say where something may come from.
pub(super) const SOURCES: &[&str] =
    &["CidrIp", "CidrIpv6", "SourcePrefixListId", "SourceSecurityGroupId"];

/// The properties that say where something may go.
pub(super) const DESTINATIONS: &[&str] =
    &["CidrIp", "CidrIpv6", "DestinationPrefixListId", "DestinationSecurityGroupId"];

/// What names and descriptions may have beside letters, digits and spaces.
const SIGNS: &str = " ._-:/()#,@[]+=&;{}!$*";

/// Returns what EC2 refuses of a list of rules.
pub(super) fn rules_faults(rules: &Value, property: &str, peers: &[&str]) -> Vec<Fault> {
    let rules = rules.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut faults = Vec::new();
    for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.is_object()) {
        let path = format!("{property}/{index}");
        if let Some(same) = rules[..index].iter().position(|other| is_same(other, rule)) {
            faults.push(Fault::new(
                &path,
                format!("the group has this rule already, as number {same}: leave one out"),
            ));
        }
        faults.extend(rule_faults(rule, peers).into_iter().map(|fault| Fault {
            property: format!("{path}/{}", fault.property).trim_end_matches('/').to_owned(),
            ..fault
        }));
    }
    faults
}

/// Whether EC2 takes two rules for one.
fn is_same(one: &Value, other: &Value) -> bool {
    let what = |rule: &Value| {
        let mut rule = rule.as_object().cloned().unwrap_or_default();
        rule.retain(|name, value| {
            !value.is_null()
                && !["Description", "SourceSecurityGroupOwnerId"].contains(&name.as_str())
        });
        rule
    };
    !has_unknown(one) && !has_unknown(other) && what(one) == what(other)
}

/// Returns what EC2 refuses of a rule. `peers` are the properties of which just
/// one is set.
pub(super) fn rule_faults(rule: &Value, peers: &[&str]) -> Vec<Fault> {
    if crate::value::is_unknown(rule) {
        return Vec::new();
    }
    let mut faults = protocol_faults(rule);
    for (property, blocks) in [("CidrIp", Blocks::ANY_V4), ("CidrIpv6", Blocks::ANY_V6)] {
        let text = rule[property].as_str();
        if let Some(problem) = text.and_then(|text| blocks.problem(text)) {
            faults.push(Fault::new(property, problem));
        }
    }
    faults.extend(text_fault(rule, "Description"));
    if peers.iter().filter(|peer| !rule[**peer].is_null()).count() != 1 {
        faults.push(Fault::new("", format!("set exactly one of {}", peers.join(", "))));
    }
    faults
}

/// Returns the fault of a text with characters that EC2 refuses.
pub(super) fn text_fault(properties: &Value, name: &str) -> Option<Fault> {
    let text = properties[name].as_str()?;
    let wrong = text.chars().find(|c| !c.is_ascii_alphanumeric() && !SIGNS.contains(*c))?;
    Some(Fault::new(
        name,
        format!("EC2 refuses '{wrong}' here: write letters, digits, spaces and {}", SIGNS.trim()),
    ))
}

fn protocol_faults(rule: &Value) -> Vec<Fault> {
    let Some(protocol) = rule["IpProtocol"].as_str() else { return Vec::new() };
    let lower = protocol.to_lowercase();
    let spelled = match WITH_PORTS.iter().find(|(number, _)| *number == lower) {
        Some((_, name)) => *name,
        None if lower == "all" => "-1",
        None => lower.as_str(),
    };
    let mut faults = Vec::new();
    if spelled != protocol {
        let message = format!("EC2 knows this protocol as '{spelled}': write that");
        faults.push(Fault::new("IpProtocol", message));
    } else if !has_ports(spelled) && !spelled.parse().is_ok_and(|n: i32| (-1..=255).contains(&n)) {
        let message = format!(
            "'{spelled}' is no protocol: write tcp, udp, icmp, icmpv6, a number, or -1 for all"
        );
        faults.push(Fault::new("IpProtocol", message));
    }
    faults.extend(port_faults(rule, spelled));
    faults
}

fn port_faults(rule: &Value, protocol: &str) -> Vec<Fault> {
    let is_icmp = protocol.starts_with("icmp");
    let (allowed, everything) = if is_icmp { (-1..=255, "-1") } else { (0..=65535, "0 to 65535") };
    let mut faults = Vec::new();
    for name in ["FromPort", "ToPort"] {
        let port = &rule[name];
        let message = match (has_ports(protocol), port.as_i64()) {
            (true, None) if port.is_null() => {
                format!("a rule for {protocol} needs it; for everything write {everything}")
            }
            (true, Some(number)) if !allowed.contains(&number) => {
                format!("{protocol} has {} to {} here", allowed.start(), allowed.end())
            }
            (false, _) if !port.is_null() => {
                format!("a rule for protocol {protocol} has no ports: leave it out")
            }
            _ => continue,
        };
        faults.push(Fault::new(name, message));
    }
    let ports = (rule["FromPort"].as_i64(), rule["ToPort"].as_i64());
    if let ((Some(from), Some(to)), true) = (ports, faults.is_empty()) {
        if is_icmp && from == -1 && to != -1 {
            faults.push(Fault::new("ToPort", "all types have all codes: write -1"));
        } else if !is_icmp && from > to {
            faults.push(Fault::new("ToPort", "the last port comes before the first"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(rule: Value) -> String {
        let faults = rule_faults(&rule, SOURCES).into_iter();
        faults.map(|fault| format!("{}: {}", fault.property, fault.message)).collect()
    }

    #[test]
    fn what_ec2_takes_has_no_fault() {
        for rule in [
            json!({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/8"}),
            json!({"IpProtocol": "udp", "FromPort": 0, "ToPort": 65535, "CidrIpv6": "::/0"}),
            json!({"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "CidrIp": "0.0.0.0/0"}),
            json!({"IpProtocol": "-1", "SourceSecurityGroupId": "sg-1", "Description": "(us & them)"}),
            json!({"IpProtocol": "50", "SourcePrefixListId": "pl-1"}),
        ] {
            assert_eq!(faults(rule.clone()), "", "{rule}");
        }
    }

    #[test]
    fn what_ec2_refuses_is_said() {
        let all = json!({"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "CidrIp": "10.0.0.0/8"});
        for (name, value, said) in [
            ("IpProtocol", json!("TCP"), "as 'tcp'"),
            ("IpProtocol", json!("6"), "as 'tcp'"),
            ("IpProtocol", json!("http"), "no protocol"),
            ("IpProtocol", json!("-1"), "no ports"),
            ("IpProtocol", json!("icmp"), ""),
            ("FromPort", json!(-1), "0 to 65535"),
            ("FromPort", Value::Null, "needs it"),
            ("FromPort", json!(3), "before the first"),
            ("ToPort", json!(65536), "0 to 65535"),
            ("CidrIp", json!("10.0.0.1/8"), "10.0.0.0/8"),
            ("CidrIp", json!("::/0"), "no block"),
            ("CidrIp", Value::Null, "exactly one"),
            ("CidrIpv6", json!("::/0"), "exactly one"),
            ("Description", json!("Bob's"), "refuses ''' here"),
        ] {
            let mut rule = all.clone();
            rule[name] = value;
            let found = faults(rule);
            assert!(found.contains(said), "{name}: {found}");
            assert_eq!(found.is_empty(), said.is_empty(), "{name}: {found}");
        }
    }

    #[test]
    fn a_rule_is_there_once() {
        let rule = |description: &str| json!({"IpProtocol": "-1", "CidrIp": "10.0.0.0/8", "Description": description});
        let found =
            rules_faults(&json!([rule("one"), rule("two")]), "SecurityGroupIngress", SOURCES);
        let found: Vec<_> = found.iter().map(|fault| fault.property.as_str()).collect();
        assert_eq!(found, ["SecurityGroupIngress/1"]);
    }
}
