//! README.md and docs/ against the programs: examples, links, tables and messages.

mod autoscaled;
mod examples;
mod links;
mod messages;
pub mod page;
mod session;
mod stop_lines;
mod tables;

use page::Page;

#[test]
fn every_example_is_true() {
    let pages = Page::all();
    let problems: Vec<String> = pages.iter().flat_map(examples::problems).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
    let commands = pages
        .iter()
        .flat_map(|page| &page.blocks)
        .filter(|block| block.language == "console")
        .count();
    assert!(commands >= 10, "only {commands} console blocks");
}

/// A checker that lets everything pass would look the same on a good day.
#[test]
fn a_false_example_is_found() {
    let found = |text: &str| examples::problems(&Page::parse("p.md", text)).join("\n");
    let cases = [
        (
            "```console\n$ entry --version\nentry 9.9.9\n```\n",
            "--- said",
        ),
        ("```console\n$ entry --version\n```\n", "--- said"),
        ("```console\n$ true\n…\nmore\n```\n", "--- said"),
        ("```console\n$ (exit 3)\n```\n", "exit code 3"),
        ("```yaml\n# modes/web.yml\ncomand: x\n```\n", "unknown key"),
        ("```yaml\ncommand: x\n```\n", "names no file"),
        ("```Dockerfile\nCMD [\"rails\"]\n```\n", "has no line"),
        ("```diff\n-ENTRYPOINT [\"/entry\"]\n```\n", "is taken away"),
        ("```sh\nmake nothing\n```\n", "no goal nothing"),
        ("```sh\nif\n```\n", "syntax error"),
        ("```ruby\nif\n```\n", "syntax error"),
        ("```json\n{\n```\n", "EOF"),
        (
            "```toml\na = 1\n```\n",
            "nothing checks the language \"toml\"",
        ),
        ("```\nplain\n```\n", "nothing checks the language \"\""),
    ];
    for (text, problem) in cases {
        assert!(found(text).contains(problem), "{text}{:?}", found(text));
    }
    let good = "```yaml\n# modes/web.yml\ncommand: \"true\"\n```\n```console\n$ X=hi\n$ entry web\n\
        entry: web: started true as pid …\n…\n$ (exit 3)\n$ echo $? $X\n3 hi\n```\n";
    assert_eq!(found(good), "");
}
