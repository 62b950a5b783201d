//! A page of the documentation, taken apart: fenced blocks, headings, links.

use crate::support::repository;
use std::fs;

/// A fenced block.
pub struct Block {
    pub language: String,
    pub text: String,
    /// Of its first line of text.
    pub line: usize,
}

/// A Markdown file of this repository.
pub struct Page {
    /// Relative to the repository.
    pub name: String,
    pub blocks: Vec<Block>,
    /// Everything outside the blocks, with line numbers.
    pub prose: Vec<(usize, String)>,
}

impl Page {
    pub fn read(name: &str) -> Page {
        Page::parse(name, &fs::read_to_string(repository(name)).unwrap())
    }

    pub fn parse(name: &str, text: &str) -> Page {
        let mut page = Page {
            name: name.to_owned(),
            blocks: Vec::new(),
            prose: Vec::new(),
        };
        let mut open: Option<Block> = None;
        for (line, number) in text.lines().zip(1..) {
            match (line.strip_prefix("```"), open.take()) {
                (Some(_), Some(block)) => page.blocks.push(block),
                (Some(language), None) => {
                    open = Some(Block {
                        language: language.to_owned(),
                        text: String::new(),
                        line: number + 1,
                    });
                }
                (None, Some(mut block)) => {
                    block.text += line;
                    block.text.push('\n');
                    open = Some(block);
                }
                (None, None) => page.prose.push((number, line.to_owned())),
            }
        }
        assert!(open.is_none(), "{name}: a block is not closed");
        page
    }

    /// README.md and everything in docs/.
    pub fn all() -> Vec<Page> {
        let mut names = vec![
            "README.md".to_owned(),
            "examples/rails/README.md".to_owned(),
        ];
        for entry in fs::read_dir(repository("docs")).unwrap() {
            names.push(format!("docs/{}", entry.unwrap().file_name().display()));
        }
        names.sort();
        names.iter().map(|name| Page::read(name)).collect()
    }

    /// Headings as GitHub turns them into anchors.
    pub fn anchors(&self) -> Vec<String> {
        let headings = self
            .prose
            .iter()
            .filter(|(_, line)| line.starts_with('#'))
            .map(|(_, line)| line.trim_start_matches('#').trim());
        headings.map(anchor).collect()
    }

    /// Links: line and target.
    pub fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        for (number, line) in &self.prose {
            for rest in line.split("](").skip(1) {
                let target = rest.split(')').next().unwrap_or_default();
                links.push((*number, target.to_owned()));
            }
        }
        links
    }

    /// The cells of the first table under a heading, without its head.
    pub fn table(&self, heading: &str) -> Vec<Vec<String>> {
        self.tables(heading).into_iter().next().unwrap_or_default()
    }

    /// All tables from a heading on.
    pub fn tables(&self, heading: &str) -> Vec<Vec<Vec<String>>> {
        let lines = self.prose.iter().map(|(_, line)| line.as_str());
        let lines: Vec<&str> = lines
            .skip_while(|line| line.trim_start_matches('#').trim() != heading)
            .collect();
        let tables = lines.split(|line| !line.starts_with('|'));
        let cells = |line: &&str| {
            let inner = line.trim_matches('|');
            inner
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect()
        };
        tables
            .filter(|rows| rows.len() > 2)
            .map(|rows| rows.iter().skip(2).map(cells).collect())
            .collect()
    }
}

fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}
