//! Help that teaches, flags of the published CLI, and completion.

use crate::person::Boatyard;
use clap::{CommandFactory, Parser};

fn help(line: &str) -> String {
    let parsed = Boatyard::try_parse_from(line.split(' '));
    parsed.err().map(|error| error.to_string()).unwrap()
}

#[test]
fn the_command_line_is_well_formed() {
    Boatyard::command().debug_assert();
}

#[test]
fn the_first_help_shows_every_verb() {
    let text = help("boatyard --help");
    for verb in [
        "login", "context", "list", "get", "create", "put", "patch", "delete", "start", "retry",
        "abort",
    ] {
        assert!(text.contains(&format!("\n  {verb} ")), "{verb}: {text}");
    }
}

#[test]
fn every_leaf_says_what_it_does_and_most_show_an_example() {
    let mut without = Vec::new();
    let mut commands = vec![("boatyard".to_owned(), Boatyard::command())];
    while let Some((path, mut command)) = commands.pop() {
        let text = command.render_long_help().to_string();
        assert!(
            command.get_about().is_some() || path == "boatyard",
            "{path} has no description"
        );
        if !command.has_subcommands() && !text.contains("Examples:") {
            without.push(path.clone());
        }
        // clap's own `help` is not ours to describe.
        for below in command
            .get_subcommands()
            .filter(|below| below.get_name() != "help")
        {
            commands.push((format!("{path} {}", below.get_name()), below.clone()));
        }
    }
    without.sort();
    assert_eq!(
        without,
        [
            "boatyard context list",
            "boatyard context remove",
            "boatyard list plans",
            "boatyard list regions",
        ]
    );
}

#[test]
fn help_for_starting_a_build_teaches_by_example() {
    let text = help("boatyard start service build --help");
    for part in [
        "Usage: boatyard start service build [OPTIONS]",
        "-w, --wait",
        "-p, --project <ID>",
        "--arg <KEY=VALUE>",
        "-o, --output <FORMAT>",
        "boatyard start service build --project shop --service web --branch main --wait",
        "130 you stopped waiting",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// What the server does not do yet is not offered.
#[test]
fn help_promises_nothing_that_is_not_there() {
    let mut commands = vec![Boatyard::command()];
    while let Some(mut command) = commands.pop() {
        let text = command.render_long_help().to_string();
        for word in ["each new commit", "on the page", "disabledCI"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
        commands.extend(command.get_subcommands().cloned());
    }
    let line = "boatyard create service build -p p --name n --branch main";
    assert!(Boatyard::try_parse_from(line.split(' ')).is_err(), "{line}");
}

#[test]
fn what_hands_learned_from_the_published_cli_works() {
    for line in [
        "boatyard list project --loadAll",
        "boatyard list build --projectId p --serviceId s",
        "boatyard list services --projectId p --per_page 10 --page 2",
        "boatyard get service builds --projectId p --serviceId s --cursor c -o yaml",
        "boatyard get services --project p --service s",
        "boatyard get service build --project p --service s --buildId b",
        "boatyard get service build-log --projectId p --serviceId s --buildId b -f -l 5",
        "boatyard get service build-logs --startTime 1580608922 --endTime 2020-02-02T02:02:02Z -d backward --textIncludes x",
        "boatyard create services build --project p -i {}",
        "boatyard put service build --project p -f body.json",
        "boatyard patch service build --project p --service s -f body.json",
        "boatyard start service build --project p --service s -i {}",
        "boatyard start service build --project p --service s --bundleUrl https://example.com/a.tgz",
        "boatyard abort service build --project p --service s --build b",
        "boatyard get service build-metrics --projectId p --serviceId s --metricTypes diskUsage",
        "boatyard delete project --project p --delete_child_objects --force",
        "boatyard list secret --projectId p --loadAll",
        "boatyard get secrets --project p --secretId s -o yaml",
        "boatyard create secrets --projectId p -f body.json",
        "boatyard update secret --project p --secretId s -i {}",
        "boatyard add tags -i {}",
        "boatyard get tag --resourceTagId t",
        "boatyard delete tags --resourceTag t --force",
        "boatyard login -n local -t TOKEN --host http://127.0.0.1:8484 --override",
        "boatyard contexts ls",
        "boatyard context use -n local",
    ] {
        if let Err(error) = Boatyard::try_parse_from(line.split(' ')) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn contradictions_are_refused() {
    for line in [
        "boatyard list projects --all --page 2",
        "boatyard list projects --per-page 0",
        "boatyard list projects --per-page 101",
        "boatyard list projects --host http://a --context b",
        "boatyard get service build-logs --since 10m --start 2020-02-02",
        "boatyard get service build-logs --text-includes a --regex-includes b",
        "boatyard start service build --branch main --pull-request 3",
        "boatyard start service build --arg NO_SUCH_VARIABLE_ANYWHERE",
        "boatyard get service --project p builds",
        "boatyard get service build-metrics --timestamp 1580608922 --duration 5",
        "boatyard create project",
    ] {
        assert!(Boatyard::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
}

#[test]
fn shells_complete_the_whole_binary() {
    use clap_complete::Shell;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let mut script = Vec::new();
        cli::completion(shell, Boatyard::command(), &mut script).unwrap();
        let script = String::from_utf8(script).unwrap();
        assert!(script.contains("build-logs"), "{shell}");
        // clap_complete's fish scripts know flags down to the second level of commands only.
        assert!(
            shell == Shell::Fish || script.contains("text-includes"),
            "{shell}"
        );
    }
}

/// What bash would offer after these words.
fn completed(words: &str) -> Vec<String> {
    let mut script = Vec::new();
    let shell = clap_complete::Shell::Bash;
    cli::completion(shell, Boatyard::command(), &mut script).unwrap();
    let script = String::from_utf8(script).unwrap();
    let home = tempfile::tempdir().unwrap();
    let (file, folder) = (home.path().join("script"), home.path().join("here"));
    let ask = format!(
        "{script}\nCOMP_WORDS=({words} ''); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))\n\
         _boatyard boatyard '' \"${{COMP_WORDS[COMP_CWORD - 1]}}\" 2>/dev/null\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    std::fs::write(&file, ask).unwrap();
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("file.txt"), "").unwrap();
    let mut bash = std::process::Command::new("bash");
    let output = bash.arg(&file).current_dir(&folder).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    let offers = text.lines().filter(|line| !line.is_empty());
    offers.map(str::to_owned).collect()
}

#[test]
fn files_are_offered_only_where_a_file_is_wanted() {
    let none: [&str; 0] = [];
    assert_eq!(completed("boatyard list services --project"), none);
    assert_eq!(completed("boatyard start service build --branch"), none);
    assert_eq!(completed("boatyard create project --file"), ["file.txt"]);
    assert!(completed("boatyard list").contains(&"services".to_owned()));
}
