//! The same file with fewer and with more regions.

use super::deployment::{Payments, REGIONS};
use std::collections::BTreeMap;

#[tokio::test]
async fn a_stack_grows_from_one_region_to_three_and_shrinks_again() {
    let payments = Payments::new().await;
    payments.run(&["validate", "--regions", "us-east-1"]).success();
    payments.apply(&["--regions", "us-east-1"]);
    payments.assert_settled(&[]);
    assert_eq!(payments.places().into_keys().collect::<Vec<_>>(), ["global", "us-east-1"]);
    payments.assert_nothing_in(&["eu-west-1", "ap-southeast-1"]);

    let three = ["--regions", "us-east-1,eu-west-1,ap-southeast-1"];
    let harmful: Vec<String> = payments
        .plan(&three)
        .into_iter()
        .filter(|line| !line.contains(" create") && !line.contains(" update "))
        .collect();
    assert_eq!(harmful, Vec::<String>::new(), "to grow is to create and to update");
    payments.apply(&three);
    payments.assert_settled(&[]);
    let full = payments.places();

    let two = ["--regions", "us-east-1,eu-west-1"];
    payments.refused(&two, &["--allow-region-removal", "nothing was changed"]);
    assert_eq!(payments.places(), full);
    let removal = [&two[..], &["--allow-region-removal"]].concat();
    payments.refused(&removal, &["--allow-data-loss", "nothing was changed"]);
    assert_eq!(payments.places(), full);
    let when = payments.apply_in_order(&[&removal[..], &["--allow-data-loss"]].concat());
    let (table, key) = ("us-east-1/Payments", "ap-southeast-1/Key");
    assert!(when("finished", table) < when("started", key), "the replica's key went before it");
    payments.assert_settled(&[]);
    assert!(!payments.places().contains_key("ap-southeast-1"));
    payments.assert_nothing_in(&["ap-southeast-1"]);

    payments.destroy();
    assert_eq!(payments.inventory(&REGIONS).found, []);
    payments.world.assert_no_violations();
}

#[tokio::test]
async fn five_regions_work_with_the_same_file() {
    let payments = Payments::new().await;
    let regions = [REGIONS.as_slice(), &["us-west-2", "eu-central-1"]].concat();
    let count = regions.len();
    payments.apply(&["--regions", &regions.join(",")]);
    payments.assert_settled(&[]);
    let mut expected = BTreeMap::from([("global".to_owned(), 7)]);
    for region in &regions {
        // Beside the failover rules, one to each other region, a region has 17.
        expected.insert((*region).to_owned(), 17 + count - 1);
    }
    *expected.entry(regions[0].to_owned()).or_default() += 10;
    assert_eq!(payments.places(), expected);
    payments.destroy();
    assert_eq!(payments.inventory(&regions).found, []);
    payments.world.assert_no_violations();
}

impl Payments {
    fn assert_nothing_in(&self, regions: &[&str]) {
        let found = self.inventory(regions).found;
        assert!(found.iter().all(|thing| thing.place == "global"), "{found:#?}");
    }
}
