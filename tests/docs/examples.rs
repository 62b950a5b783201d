//! Every fenced block, by its language: run, loaded, parsed or compared. There is none that is only shown.

use super::page::{Block, Page};
use super::session::{self, Step};
use crate::support::repository;
use entry::config::{Layers, Text, load};
use regex::Regex;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// A command of a page and the output that the page shows.
struct Example {
    at: String,
    command: String,
    output: String,
}

/// Everything that is wrong with a page's blocks.
pub fn problems(page: &Page) -> Vec<String> {
    let mut problems = Vec::new();
    let mut steps = Vec::new();
    let mut examples = Vec::new();
    for block in &page.blocks {
        let at = format!("{}:{}", page.name, block.line);
        let checked = match block.language.as_str() {
            "console" => commands(&at, block).map(|found| {
                steps.extend(found.iter().map(|one| Step::Type(one.command.clone())));
                examples.extend(found);
            }),
            "yaml" => file(block).map(|step| steps.push(step)),
            "Dockerfile" => dockerfile(block),
            "diff" => diff(block),
            "sh" => shell(block),
            "ruby" => ruby(block),
            "json" => serde_json::from_str::<serde_json::Value>(&block.text)
                .map(drop)
                .map_err(|error| error.to_string()),
            other => Err(format!("nothing checks the language {other:?}")),
        };
        problems.extend(checked.err().map(|problem| format!("{at}: {problem}")));
    }
    if problems.is_empty() && !examples.is_empty() {
        compare(&examples, &session::run(&steps), &mut problems);
    }
    problems
}

fn compare(examples: &[Example], answers: &[session::Said], problems: &mut Vec<String>) {
    assert_eq!(examples.len(), answers.len(), "the shell ended early");
    for (index, (example, said)) in examples.iter().zip(answers).enumerate() {
        let Example {
            at,
            command,
            output,
        } = example;
        if !pattern(output).is_match(&said.output) {
            problems.push(format!(
                "{at}: $ {command}\n--- shown\n{output}--- said\n{}",
                said.output
            ));
        }
        // A failure that the page does not show by its exit code is none it means.
        let asked = examples
            .get(index + 1)
            .is_some_and(|next| next.command.contains("$?"));
        if said.status != 0 && !asked {
            problems.push(format!("{at}: $ {command}\nexit code {}", said.status));
        }
    }
}

/// `…` stands for anything within a line, and on a line of its own for any lines.
fn pattern(output: &str) -> Regex {
    let mut pattern = String::from("^");
    for line in output.lines() {
        if line.trim() == "…" {
            pattern += "(?:[^\n]*\n)*?";
        } else {
            let parts: Vec<String> = line.split('…').map(regex::escape).collect();
            pattern += &parts.join("[^\n]*?");
            pattern.push('\n');
        }
    }
    Regex::new(&(pattern + "$")).unwrap()
}

fn commands(at: &str, block: &Block) -> Result<Vec<Example>, String> {
    let mut found: Vec<Example> = Vec::new();
    for line in block.text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            found.push(Example {
                at: at.to_owned(),
                command: command.to_owned(),
                output: String::new(),
            });
            continue;
        }
        let last = found.last_mut().ok_or("output before the first command")?;
        match line.strip_prefix("> ") {
            Some(more) if last.output.is_empty() => {
                last.command.push('\n');
                last.command += more;
            }
            _ => {
                last.output += line;
                last.output.push('\n');
            }
        }
    }
    Ok(found)
}

/// A file that the page shows, named in its first line; a mode file must load.
fn file(block: &Block) -> Result<Step, String> {
    let first = block.text.lines().next().unwrap_or_default();
    let path = first
        .strip_prefix("# ")
        .and_then(|rest| rest.split([' ', ':']).next())
        .filter(|path| Path::new(path).extension().is_some_and(|end| end == "yml"))
        .ok_or("its first line names no file")?;
    if let Some(name) = path.strip_prefix("modes/") {
        let name = name.trim_end_matches(".yml");
        let text = Text {
            file: path.to_owned(),
            text: block.text.clone(),
        };
        load(name, &layers(name, text), &|name| {
            (name == "RAILS_ENV").then(|| OsString::from("production"))
        })
        .map_err(|problems| problems.to_string())?;
    }
    Ok(Step::File {
        path: path.to_owned(),
        text: block.text.clone(),
    })
}

fn layers(name: &str, text: Text) -> Layers {
    match name {
        "_defaults" => Layers::OneOff {
            defaults: Some(text),
            own: None,
            like: None,
        },
        "oneoff" => Layers::OneOff {
            defaults: None,
            own: Some(text),
            like: None,
        },
        _ => Layers::Mode {
            defaults: None,
            mode: text,
        },
    }
}

/// Every instruction stands in Dockerfile.example, which another test builds and runs.
fn dockerfile(block: &Block) -> Result<(), String> {
    in_example(block.text.lines())
}

/// What a diff keeps or adds is as in Dockerfile.example; what it takes away is not.
fn diff(block: &Block) -> Result<(), String> {
    let lines = || block.text.lines();
    in_example(lines().filter_map(|line| line.strip_prefix(['+', ' '])))?;
    let taken = lines().filter_map(|line| line.strip_prefix('-'));
    match taken.into_iter().find(|line| in_example([*line]).is_ok()) {
        Some(line) => Err(format!("Dockerfile.example has what is taken away: {line}")),
        None => Ok(()),
    }
}

fn in_example<'l>(lines: impl IntoIterator<Item = &'l str>) -> Result<(), String> {
    let example = fs::read_to_string(repository("Dockerfile.example")).unwrap();
    let ours = lines
        .into_iter()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in ours {
        if !example.lines().any(|known| known == line) {
            return Err(format!("Dockerfile.example has no line {line:?}"));
        }
    }
    Ok(())
}

/// Commands for another machine or a longer day: valid shell, and `make` knows its goals.
fn shell(block: &Block) -> Result<(), String> {
    let makefile = fs::read_to_string(repository("Makefile")).unwrap();
    for line in block.text.lines() {
        let goal = line
            .strip_prefix("make ")
            .map(|rest| rest.split(' ').next().unwrap_or(rest));
        if let Some(goal) = goal
            && !makefile
                .lines()
                .any(|line| line.starts_with(&format!("{goal}:")))
        {
            return Err(format!("make knows no goal {goal}"));
        }
    }
    accepts("bash", &["-n"], &block.text)
}

fn ruby(block: &Block) -> Result<(), String> {
    accepts("ruby", &["-c"], &block.text)
}

fn accepts(program: &str, args: &[&str], text: &str) -> Result<(), String> {
    let mut process = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = process.wait_with_output().unwrap();
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
