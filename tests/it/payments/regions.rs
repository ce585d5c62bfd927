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
    assert!(payments.inventory(&["eu-west-1", "ap-southeast-1"]).pending.is_empty());

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
    let dropped = payments.run(&[&["apply", "--yes"][..], &two].concat());
    assert_eq!(dropped.code, Some(1), "{dropped}");
    assert!(dropped.stderr.contains("--allow-region-removal"), "{dropped}");
    assert_eq!(payments.places(), full, "nothing was changed");
    let removal = [&two[..], &["--allow-region-removal"]].concat();
    let dropped = payments.run(&[&["apply", "--yes"][..], &removal].concat());
    assert!(dropped.stderr.contains("--allow-data-loss"), "{dropped}");
    assert_eq!(payments.places(), full, "nothing was changed");
    let when = payments.apply_in_order(&[&removal[..], &["--allow-data-loss"]].concat());
    let (table, key) = ("us-east-1/Payments", "ap-southeast-1/Key");
    assert!(when("finished", table) < when("started", key), "the replica's key went before it");
    payments.assert_settled(&[]);
    let left = payments.inventory(&["ap-southeast-1"]).found;
    assert!(left.iter().all(|thing| thing.place == "global"), "{left:#?}");
    assert!(!payments.state().to_string().contains("/ap-southeast-1"));

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
