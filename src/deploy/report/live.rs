//! On a terminal: lines as elsewhere, and below them each service that is under way, with what it waits for.

use super::{Event, Report, line};
use crate::aws::one_line;
use crate::deploy::logs::for_terminal;
use crate::deploy::plan::Paint;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Draws on standard error, and writes lines to standard output.
pub struct Live {
    view: MultiProgress,
    services: RefCell<BTreeMap<String, ProgressBar>>,
    warn: fn(&str),
    paint: Paint,
}

impl Live {
    pub fn new(warn: fn(&str), paint: Paint) -> Live {
        Live {
            view: MultiProgress::new(),
            services: RefCell::default(),
            warn,
            paint,
        }
    }

    /// Above the view.
    fn write(&self, text: &str) {
        self.view.suspend(|| {
            let mut out = io::stdout().lock();
            // Without a reader the deploy goes on all the same.
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        });
    }

    fn show(&self, service: &str, waiting: &str) {
        let mut services = self.services.borrow_mut();
        let bar = services.entry(service.to_owned()).or_insert_with(|| {
            let bar = self.view.add(ProgressBar::new_spinner());
            // The template is ours, and right: a test draws it.
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: {msg} ({elapsed})")
            {
                bar.set_style(style);
            }
            bar.set_prefix(one_line(service));
            bar
        });
        bar.set_message(one_line(waiting));
        bar.tick();
    }

    fn hide(&self, service: &str) {
        if let Some(bar) = self.services.borrow_mut().remove(service) {
            bar.finish_and_clear();
            self.view.remove(&bar);
        }
    }
}

/// The lines of an event. Whoever can write into the log of a one-off task must not move the cursor here.
fn text(event: &Event, paint: Paint) -> String {
    match event {
        Event::Output { line, .. } => for_terminal(line) + "\n",
        event => line(event, paint),
    }
}

impl Report for Live {
    fn tell(&self, event: &Event) {
        match event {
            Event::Warning(warning) => self.view.suspend(|| (self.warn)(warning)),
            Event::Progress { service, waiting } => self.show(service, waiting),
            Event::Ended { service, .. } => {
                self.hide(service);
                self.write(&line(event, self.paint));
            }
            event => self.write(&text(event, self.paint)),
        }
    }

    fn tick(&self) {
        for bar in self.services.borrow().values() {
            bar.tick();
        }
    }
}

impl Drop for Live {
    /// However it ends, the terminal has lines only.
    fn drop(&mut self) {
        for bar in self.services.borrow().values() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_s_output_does_nothing_to_the_terminal() {
        let event = Event::Output {
            task: "rake".to_owned(),
            line: "\u{1b}[32mmigrated\u{1b}[0m\u{1b}[2J\u{1b}]0;title\u{7}".to_owned(),
        };
        let shown = text(&event, Paint::Plain);
        assert!(
            shown.starts_with("\u{1b}[32mmigrated\u{1b}[0m^[[2J^[]0;title^G"),
            "{shown:?}"
        );
        assert!(shown.ends_with('\n'));
    }
}
