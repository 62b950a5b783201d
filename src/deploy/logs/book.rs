//! Which streams are whose: of tasks that there were, and of those that come.

use super::stream::{Stream, stream};
use crate::aws::{AwsError, Ecs};
use crate::deploy::oneoff::Task;
use crate::deploy::plan::short;
use crate::deploy::tasks::{self, Which};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// All calls that one look needs.
const CALLS: Duration = Duration::from_mins(1);

/// Whose lines are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub cluster: String,
    pub services: Vec<String>,
    /// Ids, or the beginnings of them.
    pub tasks: Vec<String>,
    /// All containers for none.
    pub container: Option<String>,
}

/// Who wrote a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The task's id.
    pub task: String,
    pub container: String,
}

/// The streams of wanted tasks.
#[derive(Debug)]
pub struct Book {
    wanted: Wanted,
    definitions: BTreeMap<String, Map<String, Value>>,
    /// By the stream's name, which has the task's id or the container's in it.
    labels: BTreeMap<String, (Stream, Label)>,
    /// Names of streams that are of others.
    strangers: BTreeSet<String>,
    /// Names of tasks that there are not.
    pub problems: Vec<String>,
    /// Why nothing of a container can be read.
    pub unread: BTreeSet<String>,
}

impl Book {
    /// Of all tasks that AWS still knows.
    pub async fn open(wanted: &Wanted, ecs: &Ecs<'_>) -> Result<Book, AwsError> {
        let mut book = Book {
            wanted: wanted.clone(),
            definitions: BTreeMap::new(),
            labels: BTreeMap::new(),
            strangers: BTreeSet::new(),
            problems: Vec::new(),
            unread: BTreeSet::new(),
        };
        let deadline = Instant::now() + CALLS;
        let named = tasks::by_ids(ecs, &wanted.cluster, &wanted.tasks, deadline);
        let (named, problems) = named.await?;
        book.problems = problems;
        book.add(named, ecs, deadline).await?;
        book.look(Which::All, ecs).await?;
        Ok(book)
    }

    /// Looks for tasks of the services that were not there before.
    pub async fn look(&mut self, which: Which, ecs: &Ecs<'_>) -> Result<(), AwsError> {
        let deadline = Instant::now() + CALLS;
        let Wanted {
            cluster, services, ..
        } = &self.wanted;
        let found = tasks::of_services(ecs, cluster, services, which, deadline).await?;
        self.add(found, ecs, deadline).await
    }

    async fn add(
        &mut self,
        tasks: Vec<Task>,
        ecs: &Ecs<'_>,
        deadline: Instant,
    ) -> Result<(), AwsError> {
        let arns: BTreeSet<&String> = tasks
            .iter()
            .map(|task| &task.task_definition_arn)
            .filter(|arn| !self.definitions.contains_key(*arn))
            .collect();
        let arns: Vec<String> = arns.into_iter().cloned().collect();
        let definitions = ecs.task_definitions(&arns, deadline).await?;
        for (arn, definition) in arns.into_iter().zip(definitions) {
            self.definitions.insert(arn, definition.unwrap_or_default());
        }
        for task in &tasks {
            self.note(task);
        }
        Ok(())
    }

    fn note(&mut self, task: &Task) {
        let Some(definition) = self.definitions.get(&task.task_definition_arn) else {
            return;
        };
        for name in containers(definition) {
            if self
                .wanted
                .container
                .as_deref()
                .is_some_and(|only| only != name)
            {
                continue;
            }
            let runtime = task.container(name);
            let runtime = runtime.and_then(|one| one.runtime_id.as_deref());
            match stream(definition, name, task.id(), runtime) {
                Ok(stream) => {
                    let label = Label {
                        task: task.id().to_owned(),
                        container: name.to_owned(),
                    };
                    self.labels.insert(stream.name.clone(), (stream, label));
                }
                Err(why) => {
                    self.unread.insert(why);
                }
            }
        }
    }

    pub fn streams(&self) -> Vec<Stream> {
        let streams = self.labels.values();
        streams.map(|(stream, _)| stream.clone()).collect()
    }

    /// Whether lines of several writers may come.
    pub fn are_several(&self) -> bool {
        self.labels.len() > 1
    }

    /// Whether tasks may come that are not in here.
    pub fn grows(&self) -> bool {
        !self.wanted.services.is_empty()
    }

    /// Whose a stream is.
    pub fn label(&self, stream: &str) -> Option<&Label> {
        self.labels.get(stream).map(|(_, label)| label)
    }

    /// Asks whose a stream is that is not in here: a new task's of a wanted service, or somebody else's.
    pub async fn meet(&mut self, stream: &str, ecs: &Ecs<'_>) -> Result<(), AwsError> {
        let is_known = self.labels.contains_key(stream) || self.strangers.contains(stream);
        if is_known || !self.grows() {
            return Ok(());
        }
        let deadline = Instant::now() + CALLS;
        let ids = [short(stream).to_owned()];
        let found = ecs.tasks(&self.wanted.cluster, &ids, deadline).await?;
        let mut tasks: Vec<Task> = found.into_iter().map(Task::read).collect();
        let services = &self.wanted.services;
        tasks.retain(|task| {
            tasks::service(task).is_some_and(|name| services.iter().any(|known| known == name))
        });
        self.add(tasks, ecs, deadline).await?;
        if !self.labels.contains_key(stream) {
            self.strangers.insert(stream.to_owned());
        }
        Ok(())
    }
}

fn containers(definition: &Map<String, Value>) -> Vec<&str> {
    let all = definition
        .get("containerDefinitions")
        .and_then(Value::as_array);
    let names = all
        .into_iter()
        .flatten()
        .filter_map(|one| one["name"].as_str());
    names.collect()
}
