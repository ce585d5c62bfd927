//! What somebody sees who types too little, too much or the wrong thing. The
//! help itself is compared with `docs/cli.md`.

use crate::support::payctl::TestEnvironment;

#[test]
fn without_a_command_the_help_is_shown_as_an_error() {
    let environment = TestEnvironment::offline();
    let output = environment.run(&[]);
    assert_eq!(output.code, Some(1));
    assert_eq!(output.stdout, "");
    assert!(output.stderr.contains("Usage: payctl [OPTIONS] <COMMAND>"), "{output}");
}

#[test]
fn help_that_is_asked_for_is_a_result() {
    let environment = TestEnvironment::offline();
    for arguments in [&["--help"][..], &["help", "apply"], &["state", "list", "-h"]] {
        let output = environment.run(arguments);
        output.success();
        assert!(output.stdout.contains("Usage: payctl"), "{output}");
        assert_eq!(output.stderr, "");
    }
}

#[test]
fn the_version_is_the_crates() {
    let output = TestEnvironment::offline().run(&["--version"]);
    output.success();
    assert_eq!(output.stdout, format!("payctl {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_mistyped_command_is_guessed() {
    insta::assert_snapshot!(TestEnvironment::offline().run(&["aply"]), @r"
    --- standard error ---
    error: unrecognized subcommand 'aply'

      tip: a similar subcommand exists: 'apply'

    Usage: payctl [OPTIONS] <COMMAND>

    For more information, try '--help'.
    --- exit code 1 ---
    ");
}

#[test]
fn a_mistyped_flag_is_guessed() {
    insta::assert_snapshot!(TestEnvironment::offline().run(&["plan", "--region", "us-east-1"]), @r"
    --- standard error ---
    error: unexpected argument '--region' found

      tip: a similar argument exists: '--regions'

    Usage: payctl plan --regions <REGION,…> [STACK]

    For more information, try '--help'.
    --- exit code 1 ---
    ");
}

#[test]
fn flags_take_only_what_they_can_use() {
    let environment = TestEnvironment::offline();
    insta::assert_snapshot!(environment.run(&["plan", "--param", "Delay"]), @r"
    --- standard error ---
    error: invalid value 'Delay' for '--param <NAME=VALUE>': 'Delay' is not of the form NAME=VALUE

    For more information, try '--help'.
    --- exit code 1 ---
    ");
    insta::assert_snapshot!(environment.run(&["plan", "--parallelism", "0"]), @r"
    --- standard error ---
    error: invalid value '0' for '--parallelism <CALLS>': 0 is not in 1..=512

    For more information, try '--help'.
    --- exit code 1 ---
    ");
    insta::assert_snapshot!(environment.run(&["graph", "--format", "svg"]), @r"
    --- standard error ---
    error: invalid value 'svg' for '--format <FORMAT>'
      [possible values: dot, mermaid, json]

    For more information, try '--help'.
    --- exit code 1 ---
    ");
}

#[test]
fn colour_is_for_terminals_or_on_demand() {
    let environment = TestEnvironment::offline();
    let plain = environment.run(&["plan", "nothing"]);
    assert!(!plain.stderr.contains('\u{1b}'), "{plain}");
    let coloured = environment.run(&["plan", "nothing", "--color", "always"]);
    assert!(coloured.stderr.contains('\u{1b}'), "{coloured}");
}
