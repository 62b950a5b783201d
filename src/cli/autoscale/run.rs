//! `entryctl autoscale run`: the autoscaler itself.

use crate::autoscale::config::Config;
use crate::autoscale::run::{Aws, Clock, File, Format, Lead, Log, Parts, Scaler, Signals, Source};
use crate::aws::{Clients, Settings};
use crate::cli::{Failure, online, output, say};
use clap::Args;
use jiff::Timestamp;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Looks at the alarms, services and nodes of a file again and again, and does what the file
decides of them, until it gets TERM or INT: then it ends within seconds. With `state` in the
file several copies may run, of which one acts. HUP reads the file anew, as does any change of
it; a file with problems changes nothing. TSTP pauses, and CONT resumes.

What is done and why goes to standard error, metrics to standard output.

Exit codes: 0 stopped, 1 it could not start, 2 wrong usage.

Examples:
  entryctl autoscale run config/autoscale.yml
  entryctl autoscale run config/autoscale.yml --log json --emf";

/// To find region and credentials.
const START: Duration = Duration::from_secs(30);

const ALONE: &str =
    "without state in the file, two copies would both act: write it before there are two";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The autoscaler's file
    file: PathBuf,
    /// How lines are written
    #[arg(long, value_enum, default_value = "text")]
    log: Format,
    /// Write metrics, in CloudWatch's embedded metric format
    #[arg(long)]
    emf: bool,
}

impl Arguments {
    pub fn run(&self) -> Result<(), Failure> {
        let mut file = File::new(&self.file, super::variable);
        let (config, mut odd) = match file.look(true) {
            Some(fresh) => match fresh.config {
                Some(config) => (config, fresh.told),
                None => return Err(Failure::Lines(fresh.told)),
            },
            None => return Ok(()),
        };
        online::with_clients(&Settings::default(), START, async |clients, _| {
            // Before the first call: a stop must not come too early to be noticed.
            let signals = Signals::catch().map_err(|error| Failure::new(&error))?;
            if config.state.is_none() {
                odd.push(ALONE.to_owned());
            }
            self.scale(clients, config, odd, file, signals).await;
            Ok(())
        })
    }

    /// `odd`: what is to be said of the file.
    async fn scale(
        &self,
        clients: &Clients,
        config: Config,
        odd: Vec<String>,
        mut file: File,
        mut signals: Signals,
    ) {
        let cloud = Aws::new(clients);
        let format = self.log;
        let mut line = |line: &str| match format {
            Format::Text => say(line),
            // If standard error is closed, there is nowhere to complain.
            Format::Json => drop(writeln!(io::stderr(), "{line}")),
        };
        // Metrics that nobody reads keep nothing from being scaled.
        let mut metrics = |line: &str| drop(output::print(format!("{line}\n").as_bytes()));
        let clock: Clock = &Timestamp::now;
        let mut log = Log::new(format, &mut line);
        for line in &odd {
            log.configuration(clock(), line);
        }
        let parts = Parts {
            cloud: &cloud,
            lead: lead(clients, &config),
            config,
            source: &mut file,
            orders: &mut signals,
            log,
            emf: if self.emf { Some(&mut metrics) } else { None },
            clock,
            random: &mut || getrandom::u32().unwrap_or_default(),
        };
        Scaler::new(parts).run().await;
    }
}

fn lead<'s>(clients: &'s Clients, config: &Config) -> Lead<'s> {
    let Some(place) = &config.state else {
        return Lead::alone();
    };
    let host = nix::unistd::gethostname().unwrap_or_default();
    let holder = format!("autoscale@{}", host.to_string_lossy());
    let id = format!("{:016x}", getrandom::u64().unwrap_or_default());
    let interval = config.polling_interval;
    Lead::shared(clients.s3(), place.clone(), holder, id, interval)
}
