//! What comes for the asking.

use super::deployment::{PRIMARY, REGIONS, Recovery, payment};
use crate::support::inventory::Thing;
use serde_json::json;

#[tokio::test]
async fn everything_optional_comes_and_goes_with_its_parameters() {
    let recovery = Recovery::applied().await;
    let plain = recovery.places();
    let mut acls = Vec::new();
    for region in REGIONS {
        acls.push(recovery.make_web_acl(region).await);
    }
    let certificates = REGIONS.map(|region| {
        let id = "00000000-0000-4000-8000-000000000000";
        format!("arn:aws:acm:{region}:{}:certificate/{id}", recovery.world.account())
    });
    let (acls, certificates) = (json!(acls), json!(certificates));
    let parameters = [
        "Tracing=true".to_owned(),
        "SecretsManager=true".to_owned(),
        "ProvisionedConcurrency=1".to_owned(),
        format!("CertificateArns={certificates}"),
        format!("WebAclArns={acls}"),
    ];
    let all: Vec<&str> = parameters.iter().flat_map(|pair| ["--param", pair]).collect();
    recovery.apply(&all);
    recovery.assert_settled(&all);
    let things = recovery.inventory(&REGIONS).found;
    let names = |kind: &str| -> Vec<String> {
        let is_it = |thing: &&Thing| thing.kind == kind;
        things.iter().filter(is_it).map(|thing| thing.name.clone()).collect()
    };
    let domain = format!("api.payment-api-{}.internal", recovery.env);
    assert_eq!(names("secret"), [format!("payment-config-{}", recovery.env)]);
    assert_eq!(names("api domain"), [domain.as_str(); 2]);
    assert_eq!(
        names("record"),
        REGIONS.map(|region| format!("{domain}. A {region}")),
        "aliases have taken the place of the CNAMEs"
    );
    assert_eq!(recovery.outputs()["api_url"], json!(format!("https://{domain}")));
    for region in REGIONS {
        let id = format!("txn-{region}");
        assert_eq!(recovery.post(region, &payment(&id, "1").to_string()).0, 200, "by the alias");
        recovery.payment(region, &id, "processed").await;
    }

    recovery.publish_new_code(&all);

    recovery.refused(&[], &["us-east-1/Secret", "--allow-data-loss", "nothing was changed"]);
    let when = recovery.apply_in_order(&["--allow-data-loss"]);
    for region in REGIONS {
        let (stage, alias) = (format!("{region}/ApiStage"), format!("{region}/ValidationAlias"));
        assert!(when("finished", &stage) < when("started", &alias), "{alias} before {stage}");
    }
    recovery.assert_settled(&[]);
    assert_eq!(recovery.places(), plain);
    for region in REGIONS {
        let id = format!("txn-again-{region}");
        assert_eq!(recovery.post(region, &payment(&id, "1").to_string()).0, 200);
        recovery.idle(region).await;
    }
    recovery.destroy();
    assert_eq!(recovery.inventory(&REGIONS).found, []);
    recovery.world.assert_no_violations();
}

impl Recovery {
    /// Changes the validation function, of which the API calls an alias.
    fn publish_new_code(&self, parameters: &[&str]) {
        let file = "lambda-src/payment-validation/payment_validation.py";
        self.edit(file, "Payment validated", "The payment is valid");
        self.apply(parameters);
        self.assert_settled(parameters);
        let (status, answer) = self.post(PRIMARY, &payment("txn-new", "1").to_string());
        assert_eq!((status, &answer["message"]), (200, &json!("The payment is valid")), "{answer}");
    }

    /// Makes a web ACL that lets everything in; returns its ARN.
    async fn make_web_acl(&self, region: &str) -> String {
        use aws_sdk_wafv2::types::{AllowAction, DefaultAction, Scope, VisibilityConfig};
        let visibility = VisibilityConfig::builder()
            .sampled_requests_enabled(false)
            .cloud_watch_metrics_enabled(false)
            .metric_name("payments");
        let create = self.aws.wafv2(region).create_web_acl().name("payments");
        let answer = create
            .scope(Scope::Regional)
            .default_action(DefaultAction::builder().allow(AllowAction::builder().build()).build())
            .visibility_config(visibility.build().expect("a whole configuration"))
            .send()
            .await
            .expect("make a web ACL");
        answer.summary.and_then(|summary| summary.arn).expect("a web ACL has an ARN")
    }
}
