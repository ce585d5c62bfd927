//! The tests' own support does what the other tests trust it to do.

use crate::support::{emulator, proxy};
use payctl::aws::clients::{Clients, Endpoint};

#[tokio::test]
async fn violations_are_those_of_the_account() {
    let (careful, careless) = (emulator::account(), emulator::account());
    let key = async |account: &str, description: String| {
        let endpoint = Endpoint {
            url: Some(proxy::endpoint().to_owned()),
            profile: None,
            access_key: Some(account.to_owned()),
        };
        let client = Clients::load(&endpoint).await.kms("eu-west-1");
        client.create_key().description(description).send().await.expect("the emulator answers")
    };
    let made = key(&careful, "short enough".to_owned()).await;
    key(&careless, "far too long".repeat(1000)).await;

    let arn = made.key_metadata.and_then(|key| key.arn).unwrap_or_default();
    assert!(arn.starts_with(&format!("arn:aws:kms:eu-west-1:{careful}:key/")), "{arn}");
    assert_eq!(proxy::violations(&careful), Vec::<String>::new());
    if !emulator::is_given() {
        let found = proxy::violations(&careless);
        assert!(
            found.len() == 1 && found[0].starts_with("kms:CreateKey Description: length"),
            "{found:?}"
        );
    }
}
