//! Lines of output, as they come in pieces: a prefix before each, and a look for one that tells something.

use memchr::memchr_iter;
use memchr::memmem::Finder;

/// A longer line is passed on in pieces, as Docker's and ECS's log drivers cut it too (16 KiB).
const LONGEST: usize = 16 * 1024;

/// The colours of a terminal that are readable on black and on white.
const COLORS: [u8; 6] = [36, 33, 32, 35, 34, 31];

/// How a prefix looks.
pub struct Look<'a> {
    pub name: &'a str,
    /// Of the longest name, so that the lines stand below each other.
    pub width: usize,
    /// A process's place, on a terminal.
    pub color: Option<usize>,
}

/// One stream of a process.
pub struct Lines {
    prefix: Option<Vec<u8>>,
    sought: Option<Finder<'static>>,
    /// A line whose end has not come. Never longer than `LONGEST`.
    open: Vec<u8>,
    /// The open line's beginning has been passed on.
    cut: bool,
}

impl Lines {
    /// Without a look, bytes pass through as they are.
    pub fn new(look: Option<Look>, sought: Option<&str>) -> Lines {
        Lines {
            prefix: look.map(|look| look.prefix()),
            sought: sought.map(|text| Finder::new(text.as_bytes()).into_owned()),
            open: Vec::new(),
            cut: false,
        }
    }

    /// Takes bytes in, and puts out what is complete. Tells whether a line held what is sought.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        if self.prefix.is_none() {
            out.extend_from_slice(bytes);
            if self.sought.is_none() {
                return false;
            }
        }
        let mut found = false;
        let mut begin = 0;
        for end in memchr_iter(b'\n', bytes) {
            found |= self.line(bytes.get(begin..=end).unwrap_or_default(), out);
            begin = end + 1;
        }
        let mut rest = bytes.get(begin..).unwrap_or_default();
        while self.open.len() + rest.len() > LONGEST {
            let (piece, more) = rest.split_at(LONGEST - self.open.len());
            found |= self.line(piece, out);
            self.cut = true;
            rest = more;
        }
        self.open.extend_from_slice(rest);
        found
    }

    /// A line's end, or a piece of one that is too long, with what is open before it.
    fn line(&mut self, piece: &[u8], out: &mut Vec<u8>) -> bool {
        let found = self.sought.as_ref().is_some_and(|sought| {
            if self.open.is_empty() {
                sought.find(piece).is_some()
            } else {
                sought.find(&[&self.open, piece].concat()).is_some()
            }
        });
        if let Some(prefix) = &self.prefix {
            if !self.cut {
                out.extend_from_slice(prefix);
            }
            out.extend_from_slice(&self.open);
            out.extend_from_slice(piece);
        }
        self.open.clear();
        self.cut = false;
        found
    }

    /// The stream has ended; a line without an end gets one.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if self.prefix.is_some() && (self.cut || !self.open.is_empty()) {
            self.line(b"\n", out);
        }
    }
}

impl Look<'_> {
    fn prefix(&self) -> Vec<u8> {
        let Look { name, width, color } = self;
        match color.and_then(|place| COLORS.get(place % COLORS.len())) {
            Some(color) => format!("\x1b[{color}m{name:width$} |\x1b[0m "),
            None => format!("{name:width$} | "),
        }
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(sought: Option<&str>) -> Lines {
        let look = Look {
            name: "web",
            width: 6,
            color: None,
        };
        Lines::new(Some(look), sought)
    }

    fn feed(lines: &mut Lines, parts: &[&[u8]]) -> (String, usize) {
        let mut out = Vec::new();
        let found = parts
            .iter()
            .filter(|part| lines.feed(part, &mut out))
            .count();
        lines.end(&mut out);
        (String::from_utf8_lossy(&out).into_owned(), found)
    }

    #[test]
    fn every_line_has_its_prefix() {
        let (out, _) = feed(&mut lines(None), &[b"a\nb", b"c\n\nlast"]);
        assert_eq!(out, "web    | a\nweb    | bc\nweb    | \nweb    | last\n");
    }

    #[test]
    fn a_terminal_gets_a_colour() {
        let look = Look {
            name: "web",
            width: 3,
            color: Some(7),
        };
        let (out, _) = feed(&mut Lines::new(Some(look), None), &[b"a\n"]);
        assert_eq!(out, "\x1b[33mweb |\x1b[0m a\n");
    }

    #[test]
    fn what_is_sought_is_found_across_parts() {
        let (_, found) = feed(
            &mut lines(Some("ready")),
            &[b"not yet\nrea", b"dy\n", b"x\n"],
        );
        assert_eq!(found, 1);
        let mut plain = Lines::new(None, Some("ready"));
        let (out, found) = feed(&mut plain, &[b"rea", b"dy\nx"]);
        assert_eq!((out.as_str(), found), ("ready\nx", 1));
        assert_eq!(feed(&mut lines(Some("ready")), &[b"rea\ndy\n"]).1, 0);
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory() {
        let mut lines = lines(None);
        let mut out = Vec::new();
        for _ in 0..100 {
            lines.feed(&[b'x'; 10_000], &mut out);
            assert!(lines.open.len() <= LONGEST);
        }
        lines.feed(b"\n", &mut out);
        assert_eq!(out.len(), 9 + 1_000_000 + 1);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_however_it_is_cut(
            text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'x'), any::<u8>()], 0..40_000),
            cuts in proptest::collection::vec(0..40_000usize, 0..20),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
            cuts.sort_unstable();
            let mut out = Vec::new();
            let mut lines = lines(None);
            let mut begin = 0;
            for cut in cuts.into_iter().chain([text.len()]) {
                lines.feed(&text[begin..cut], &mut out);
                begin = cut;
            }
            lines.end(&mut out);
            let mut back: Vec<u8> = Vec::new();
            for line in out.split_inclusive(|byte| *byte == b'\n') {
                back.extend(line.strip_prefix(b"web    | ").expect("a prefix"));
            }
            let mut expected = text;
            if expected.last().is_some_and(|last| *last != b'\n') {
                expected.push(b'\n');
            }
            prop_assert_eq!(back, expected);
        }
    }
}
