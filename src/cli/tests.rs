use clap::{Command, CommandFactory as _};

use super::Cli;

/// An argument of a command with the name of a global one would be taken for it: a squad's new lead for who speaks.
#[test]
fn no_argument_hides_a_global_one() {
    fn check(command: &Command, globals: &[String]) {
        for inner in command.get_subcommands() {
            for one in inner.get_arguments().map(|one| one.get_id().to_string()) {
                assert!(!globals.contains(&one), "{}: {one}", inner.get_name());
            }
            check(inner, globals);
        }
    }
    let cli = Cli::command();
    let globals: Vec<String> = cli.get_arguments().map(|one| one.get_id().to_string()).collect();
    assert!(globals.contains(&"member".to_owned()), "{globals:?}");
    check(&cli, &globals);
}
