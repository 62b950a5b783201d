//! Chains: what each comes to, and what is told of the rest.

use super::chain::{Chain, Step, follow};
use super::{Given, Link, find};
use crate::config::Mode;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// A container's variables, and how it comes out.
fn with(variables: &[(&str, &str)], line: &[&str]) -> Result<Chain, Vec<String>> {
    let os = |text: &str| OsString::from(text);
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (os(name), os(value)))
        .collect();
    let lookup = |name: &str| {
        let found = variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    };
    let mode = Mode::default();
    let given = Given {
        variables: &variables,
        find: &|name| find(name, &mode, &lookup),
        read: &|path| match path.to_str() {
            Some("tasks") => Ok(
                "# codep_no=x\n\nCODEP_A=one\ncodep_b=two\nCODEP_A=three\nSWITCH_S=sh -l\n"
                    .to_owned(),
            ),
            _ => Err("no such file".to_owned()),
        },
    };
    let args: Vec<OsString> = line.iter().skip(1).map(|word| os(word)).collect();
    follow(Link::called(OsStr::new(line[0])).unwrap(), &args, &given)
}

/// A chain in short: its steps and processes, then `: ` and its command.
fn shown(chain: &Chain) -> String {
    let steps = chain.steps.iter().map(|step| match step {
        Step::Hook(command) => format!("hook {}", command.words.join("|")),
        Step::Render { from, to } => format!("render {} {}", from.display(), to.display()),
    });
    let processes = chain.processes.iter();
    let processes = processes.map(|(name, command)| format!("{name}={}", command.words.join("|")));
    let words: Vec<&str> = chain
        .words
        .iter()
        .map(|word| word.to_str().unwrap())
        .collect();
    let all: Vec<String> = steps.chain(processes).collect();
    format!("{}: {}", all.join("; "), words.join("|"))
}

#[track_caller]
fn comes_to(variables: &[(&str, &str)], line: &[&str], expected: &str) {
    let chain = with(variables, line).unwrap_or_else(|problems| panic!("{line:?}: {problems:#?}"));
    assert_eq!(shown(&chain), expected, "{line:?}");
}

#[track_caller]
fn refused(variables: &[(&str, &str)], line: &[&str], expected: &[&str]) {
    assert_eq!(with(variables, line).unwrap_err(), expected, "{line:?}");
}

const NGINX: [&str; 17] = [
    "switch",
    "shell=/bin/sh",
    "version=nginx -v",
    "--",
    "render",
    "/demo/nginx.conf",
    "--",
    "prehook",
    "nginx -V",
    "--",
    "codep",
    "/bin/reloader 3",
    "/usr/sbin/nginx -c /demo/nginx.conf",
    "",
    "",
    "",
    "",
];

#[test]
fn a_whole_chain() {
    let line = &NGINX[..13];
    let all = "render /demo/nginx.conf.tmpl /demo/nginx.conf; hook nginx|-V; reloader=/bin/reloader|3; nginx=/usr/sbin/nginx|-c|/demo/nginx.conf: ";
    comes_to(&[], line, all);
    comes_to(&[], &[line, &["shell"]].concat(), ": /bin/sh");
    comes_to(&[], &[line, &["version"]].concat(), ": nginx|-v");
}

#[test]
fn each_link_by_itself() {
    comes_to(
        &[],
        &[
            "/bin/prehook",
            "a b",
            "c",
            "a d",
            "--",
            "x",
            "y z",
            "--",
            "-w",
        ],
        "hook a|b; hook c; hook a|d: x|y z|--|-w",
    );
    comes_to(
        &[],
        &["render", "x y", "--", "cat", "x y"],
        "render x y.tmpl x y: cat|x y",
    );
    comes_to(
        &[],
        &["render", "-t", "/t", "/etc/x", "name=y"],
        "render /t/etc/x.tmpl /etc/x; render /t/y.tmpl y: ",
    );
    comes_to(
        &[],
        &["codep", "./run.sh a", "b=sh -c 'c  d'", "npm a", "npm b"],
        "run=./run.sh|a; b=sh|-c|c  d; npm=npm|a; npm-2=npm|b: ",
    );
    comes_to(&[], &["codep", "a=1", "a=2"], "a=2: ");
    comes_to(&[], &["switch", "a=1", "--", "x"], ": x");
    comes_to(
        &[],
        &["switch", "a=1", "b=2 $ '$'", "--", "x", "b"],
        ": 2|$|$",
    );
    comes_to(&[], &["switch", "a=1", "--", "x", "a", "b"], ": x|a|b");
    for nothing in [
        &["switch"][..],
        &["codep"],
        &["prehook", "--"],
        &["entrykit", "-e", "--"],
    ] {
        comes_to(&[], nothing, ": ");
    }
}

#[test]
fn an_equals_sign_in_an_argument_names_nothing() {
    comes_to(
        &[],
        &["codep", "/bin/a --b=c", "d --e=f", "/g=h"],
        "a=/bin/a|--b=c; d=d|--e=f; g=h=/g=h: ",
    );
}

#[test]
fn order_is_kept_between_hooks_and_templates() {
    let line = [
        "prehook", "a", "--", "render", "b", "--", "prehook", "c", "--", "d",
    ];
    comes_to(&[], &line, "hook a; render b.tmpl b; hook c: d");
}

#[test]
fn tasks_of_variables() {
    let set = [
        ("CODEP_A", "a"),
        ("EK_CODEP_A", "namespaced"),
        ("Codep_B", "b"),
        ("SWITCH_S", "sh"),
        ("ENTRYKIT_VERSION", "0.4.0"),
    ];
    // Without tasks they are read anyway; after tasks, -e asks for them.
    comes_to(&set, &["codep"], "a=a; b=b: ");
    comes_to(&set, &["codep", "c"], "c=c: ");
    comes_to(
        &set,
        &["codep", "-e", "c", "/b.sh x"],
        "a=a; b=/b.sh|x; c=c: ",
    );
    comes_to(&set, &["codep", "c", "-E"], "a=namespaced; c=c: ");
    comes_to(&set, &["entrykit", "-e"], "a=a; b=b: ");
    comes_to(&set, &["entrykit", "-E"], "a=namespaced: ");
    comes_to(&set, &["entrykit", "-e", "s"], ": sh");
    comes_to(&set, &["entrykit", "-e", "--", "s"], ": sh");
    comes_to(
        &set[3..],
        &["entrykit", "-e", "--", "x", "$SWITCH_S"],
        ": x|sh",
    );
}

#[test]
fn all_jobs_of_variables_in_one() {
    let set = [
        ("SWITCH_SHELL", "/bin/sh"),
        ("RENDER_CONFIG", "/etc/nginx.conf"),
        ("CODEP_NGINX", "nginx -g"),
        ("CODEP_CONFD", "confd"),
        (
            "PREHOOK_HTPASSWD",
            "htpasswd -bc /etc/nginx/htpasswd $HTPASSWD",
        ),
        ("HTPASSWD", "me secret"),
    ];
    let before = "hook htpasswd|-bc|/etc/nginx/htpasswd|me secret; render /etc/nginx.conf.tmpl /etc/nginx.conf";
    comes_to(
        &set,
        &["entrykit", "-e"],
        &format!("{before}; nginx=nginx|-g; confd=confd: "),
    );
    comes_to(
        &set,
        &["entrykit", "-e", "--", "shell"],
        &format!("{before}: /bin/sh"),
    );
}

#[test]
fn tasks_of_a_file() {
    comes_to(&[], &["codep", "-f", "tasks"], "a=three; b=two: ");
    comes_to(
        &[("CODEP_B", "x")],
        &["codep", "-f", "tasks", "-e", "a=y"],
        "a=y; b=x: ",
    );
    comes_to(&[], &["entrykit", "-f", "tasks", "--", "s"], ": sh|-l");
}

#[test]
fn a_switch_to_another_link() {
    let set = [("SWITCH_PULL", "codep 'a $V' b"), ("V", "v w")];
    comes_to(&set, &["entrykit", "-e", "--", "pull"], "a=a|v w; b=b: ");
    // By a path it is a program.
    comes_to(
        &[],
        &["prehook", "a", "--", "/bin/codep", "b"],
        "hook a: /bin/codep|b",
    );
}

#[test]
fn variables_are_filled_in_once() {
    let set = [("V", "$W 'x"), ("W", "w")];
    comes_to(
        &set,
        &[
            "prehook", "a $V", "--", "switch", "n=$V", "--", "codep", "b $V",
        ],
        "hook a|$W 'x; b=b|$W 'x: ",
    );
    comes_to(
        &set,
        &["prehook", "--", "sh", "$V", "${N:-$W}", "$N", "\"$@\""],
        ": sh|$W 'x|w||\"$@\"",
    );
    comes_to(
        &set,
        &["render", "/etc/$W", "--", "x"],
        "render /etc/w.tmpl /etc/w: x",
    );
}

#[test]
fn lines_with_names() {
    assert!(with(&[], &["codep", "-p", "a=x"]).unwrap().prefixed);
    assert!(!with(&[], &["codep", "a=x"]).unwrap().prefixed);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let line = [
        "prehook",
        "-x",
        "echo it's",
        "",
        "--",
        "render",
        "${A:=b}",
        "--",
        "codep",
        "${N?}",
        "a",
        "--",
        "true",
    ];
    refused(
        &[],
        &line,
        &[
            "prehook: unknown option -x: known are -e, -E, -f FILE, -p and -t DIR; a command with options of its own follows --",
            "prehook: task \"echo it's\": a quote is not closed: close it, or write \\ before it",
            "render: \"${A:=b}\": ${A:=b} sets a variable, which entry does not: write ${A:-b}",
            "codep: task \"${N?}\": the variable N is not set: set it",
            "codep: \"true\" follows processes that end together, and then entry ends, too: make it one of them, or a prehook",
        ],
    );
}

#[test]
fn what_else_is_refused() {
    let known =
        "known are -e, -E, -f FILE, -p and -t DIR; a command with options of its own follows --";
    refused(
        &[],
        &["codep", "-f"],
        &[&format!("codep: -f names nothing: {known}")],
    );
    refused(
        &[],
        &["codep", "-f", "nope"],
        &["codep: -f nope: no such file"],
    );
    refused(
        &[("CODEP_A", "")],
        &["codep"],
        &["codep: task \"$CODEP_A\": is empty: write a command"],
    );
    refused(
        &[("PREHOOK_A", "htpasswd me s3cret \"")],
        &["prehook"],
        &["prehook: task \"$PREHOOK_A\": a quote is not closed: close it, or write \\ before it"],
    );
    refused(
        &[],
        &["entrykit", "-e", "web"],
        &["entrykit: \"web\" names no switch: set SWITCH_NAME, or write a command after --"],
    );
    refused(
        &[],
        &["prehook", "--", "x", "${Y:?say}"],
        &["prehook: argument \"${Y:?say}\": the variable Y is not set: say"],
    );
    let itself = [("SWITCH_A", "switch -e -- a")];
    refused(
        &itself,
        &["switch", "--", "a"],
        &["switch: a chain of more than 100 links: does a switch name itself?"],
    );
}

#[test]
fn bytes_that_are_no_text() {
    let bytes = <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff").to_owned();
    let variables = [(OsString::from("CODEP_A"), bytes.clone())];
    let lookup = |_: &str| Some(bytes.clone());
    let mode = Mode::default();
    let given = Given {
        variables: &variables,
        find: &|name| find(name, &mode, &lookup),
        read: &|_: &Path| Ok(String::new()),
    };
    let words = |first: &str| {
        vec![
            OsString::from(first),
            "--".into(),
            "x".into(),
            bytes.clone(),
        ]
    };
    // An argument goes on as it is.
    let chain = follow(Link::Prehook, &words("a"), &given).unwrap();
    assert_eq!(chain.words, [OsString::from("x"), bytes.clone()]);
    let told = |link, args: &[OsString]| follow(link, args, &given).unwrap_err();
    assert_eq!(
        told(Link::Codep, &[]),
        ["codep: $CODEP_A is not UTF-8: put the command into a script"]
    );
    assert_eq!(
        told(Link::Prehook, std::slice::from_ref(&bytes)),
        ["prehook: task \u{fffd} is not UTF-8: put it into a script"]
    );
    assert_eq!(
        told(Link::Prehook, &words("a $B")),
        ["prehook: task \"a $B\": $B is not UTF-8: such a value cannot be filled in"]
    );
}
