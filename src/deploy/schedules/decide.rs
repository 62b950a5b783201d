//! The decision: pure, from the file and the rule as it is.

use super::canonical;
use super::{ScheduleAction, ScheduleStep, Target};
use crate::aws::Rule;
use crate::deploy::config::{ScheduledTask, Task};
use crate::deploy::plan::{Change, Defaults, Definition, Extent, changes, over, short};
use serde_json::{Map, Value, json};

/// What `EventBridge` and ECS mean where nothing is said.
const DEFAULTS: Defaults = &[
    ("capacityProviderStrategy.base", "0"),
    ("capacityProviderStrategy.weight", "0"),
    ("count", "1"),
    (
        "networkConfiguration.awsvpcConfiguration.assignPublicIp",
        "\"DISABLED\"",
    ),
    ("platformVersion", "\"LATEST\""),
];

/// Members that a service lends.
const LENT: [&str; 4] = [
    "capacityProviderStrategy",
    "launchType",
    "networkConfiguration",
    "platformVersion",
];

/// All that one scheduled task's step depends on.
#[derive(Clone, Copy)]
pub struct Facts<'f> {
    pub scheduled: &'f ScheduledTask,
    /// Its task; `None` if it goes away.
    pub task: Option<&'f Task>,
    /// What that task's step in the plan comes to.
    pub definition: Option<&'f Definition>,
    pub cluster_arn: Option<&'f str>,
    /// The service that lends its network and launch type, as it will be.
    pub service: Option<&'f Map<String, Value>>,
    pub rule: Option<&'f Rule>,
}

/// What to do, or why it cannot be done.
pub fn step(facts: Facts) -> Result<ScheduleStep, String> {
    let managed = facts.rule.and_then(|rule| rule.rule.get("ManagedBy"));
    if let Some(by) = managed.and_then(Value::as_str) {
        return Err(format!(
            "{by} manages the rule of this name: choose another"
        ));
    }
    let action = if facts.scheduled.delete {
        facts.delete()?
    } else {
        facts.put()?
    };
    Ok(ScheduleStep {
        name: facts.scheduled.name.clone(),
        action,
    })
}

impl<'f> Facts<'f> {
    fn family(&self) -> &'f str {
        let name = &self.scheduled.run.task;
        self.task.map_or(name, |task| &task.family)
    }

    /// The target that is ours: by its id, else the only one that runs our family.
    fn found(&self) -> Result<Option<&'f Map<String, Value>>, String> {
        let targets = self.rule.map(|rule| rule.targets.as_slice());
        let targets = targets.unwrap_or_default();
        let id = self.scheduled.target_id.as_deref();
        let wanted = json!(id.unwrap_or(self.family()));
        if let Some(found) = targets.iter().find(|one| one.get("Id") == Some(&wanted)) {
            return Ok(Some(found));
        }
        let same = |target: &&Map<String, Value>| {
            let arn = definition(target).map(short);
            arn.and_then(|name| name.split(':').next()) == Some(self.family())
        };
        let mut same = targets.iter().filter(same);
        // A second target would start everything twice.
        match (same.next(), same.next()) {
            (None, _) => Ok(None),
            (Some(one), None) if id.is_none() => Ok(Some(one)),
            (Some(one), _) => Err(format!(
                "its rule has the target {} for {}, too: write target_id",
                one.get("Id").and_then(Value::as_str).unwrap_or_default(),
                self.family(),
            )),
        }
    }

    fn delete(&self) -> Result<ScheduleAction, String> {
        let Some(rule) = self.rule else {
            return Ok(ScheduleAction::Unchanged);
        };
        let found = self.found()?;
        let id = found.and_then(|target| target.get("Id")?.as_str());
        if found.is_none() && !rule.targets.is_empty() {
            // What is left is somebody else's.
            return Ok(ScheduleAction::Unchanged);
        }
        Ok(ScheduleAction::Delete {
            target: id.map(str::to_owned),
            with_rule: rule.targets.len() <= 1,
        })
    }

    fn put(&self) -> Result<ScheduleAction, String> {
        let mut changes = Vec::new();
        let rule = self.rule_request(&mut changes)?;
        let target = self.target(&mut changes)?;
        if rule.is_none() && target.is_none() {
            return Ok(ScheduleAction::Unchanged);
        }
        Ok(ScheduleAction::Put {
            is_new: self.rule.is_none(),
            rule,
            target,
            changes,
        })
    }

    fn rule_request(&self, found: &mut Vec<Change>) -> Result<Option<Map<String, Value>>, String> {
        let scheduled = self.scheduled;
        let have = self.rule.map(|rule| rule.rule.clone());
        let mut request = have.unwrap_or_default();
        if self.rule.is_some() && !request.contains_key("ScheduleExpression") {
            return Err("the rule of this name is no schedule: choose another".to_owned());
        }
        let mut set = |key: &str, name: &str, to: &str| {
            let same = request.get(key).and_then(Value::as_str);
            // A rule is on in two ways.
            let same = same.map(|word| match (key, word) {
                ("State", word) if word.starts_with("ENABLED") => "ENABLED",
                (_, word) => word,
            });
            if same != Some(to) {
                found.push(Change {
                    path: name.to_owned(),
                    from: same.map(Value::from),
                    to: Some(to.into()),
                });
                request.insert(key.to_owned(), to.into());
                return true;
            }
            false
        };
        let state = if scheduled.enabled {
            "ENABLED"
        } else {
            "DISABLED"
        };
        let mut changed = set("ScheduleExpression", "schedule", &scheduled.schedule);
        changed |= set("State", "state", state);
        if let Some(description) = &scheduled.description {
            changed |= set("Description", "description", description);
        }
        if !changed {
            return Ok(None);
        }
        for key in ["Arn", "CreatedBy"] {
            request.remove(key);
        }
        request.retain(|_, value| !value.is_null());
        request.insert("Name".to_owned(), scheduled.name.clone().into());
        Ok(Some(request))
    }

    fn target(&self, found: &mut Vec<Change>) -> Result<Option<Target>, String> {
        let definition = self.definition.ok_or("there is no such task")?;
        let none = Map::new();
        let there = self.found()?;
        let have = there.unwrap_or(&none);
        let before = found.len();
        found.extend(new_definition(have, definition));
        let want = self.wanted(have)?;
        found.extend(changes(
            &want,
            &canonical::target(have),
            Extent::Named,
            &[DEFAULTS],
        ));
        let run = &self.scheduled.run;
        let command = canonical::command(have, &run.container).unwrap_or_default();
        if command != run.command {
            let shown = |words: &[String]| (!words.is_empty()).then(|| json!(words));
            found.push(Change {
                path: "command".to_owned(),
                from: shown(&command),
                to: shown(&run.command),
            });
        }
        if found.len() == before && there.is_some() {
            return Ok(None);
        }
        let mut members = canonical::with(have, &want);
        if command != run.command {
            canonical::with_command(&mut members, &run.container, &run.command);
        }
        if let Some(Value::Object(parameters)) = members.get_mut("EcsParameters") {
            parameters.remove("TaskDefinitionArn");
        }
        let id = self.scheduled.target_id.as_deref().unwrap_or(self.family());
        members.entry("Id").or_insert_with(|| id.into());
        Ok(Some(Target {
            members,
            definition: definition.clone(),
        }))
    }

    /// What the target should say, in `RunTask`'s words.
    fn wanted(&self, have: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let scheduled = self.scheduled;
        let cluster = self.cluster_arn.ok_or("its cluster is not there")?;
        let mut want = self.lent();
        for (key, value) in &scheduled.placed {
            want.insert(key.clone(), value.clone());
        }
        want.insert("cluster".to_owned(), cluster.into());
        want.insert("count".to_owned(), scheduled.count.into());
        match &scheduled.role_arn {
            Some(role) => drop(want.insert("roleArn".to_owned(), role.clone().into())),
            None if have.contains_key("RoleArn") => {}
            None => {
                return Err(
                    "its rule has no target yet: write role_arn, the role with which \
                     EventBridge starts tasks"
                        .to_owned(),
                );
            }
        }
        let network = canonical::target(have).contains_key("networkConfiguration");
        if self.has_own_address() && !network && !want.contains_key("networkConfiguration") {
            return Err("its task has the network mode awsvpc: write network_configuration".into());
        }
        Ok(want)
    }

    fn has_own_address(&self) -> bool {
        let mode = self.task.and_then(|task| task.request.get("networkMode"));
        mode == Some(&json!("awsvpc"))
    }

    /// What the service has, where the file says nothing of its own and the task can run so.
    fn lent(&self) -> Map<String, Value> {
        let mut lent = Map::new();
        let own = &self.scheduled.placed;
        let launched = |key: &str| matches!(key, "capacityProviderStrategy" | "launchType");
        let own_launch = own.keys().any(|key| launched(key));
        let Some(service) = self.service else {
            return lent;
        };
        for key in LENT {
            let value = service.get(key).filter(|value| is_set(key, value));
            let Some(value) = value.filter(|_| !own.contains_key(key)) else {
                continue;
            };
            let fits = match key {
                "networkConfiguration" => self.has_own_address(),
                // They belong together.
                _ if own_launch => false,
                "platformVersion" => lent.values().any(is_fargate),
                _ => self.has_own_address() || !is_fargate(value),
            };
            if fits {
                lent.insert(key.to_owned(), value.clone());
            }
        }
        if lent.contains_key("capacityProviderStrategy") {
            lent.remove("launchType");
        }
        lent
    }
}

/// Whether it says more than what counts without it: the same before and after a service is made.
fn is_set(key: &str, value: &Value) -> bool {
    match (key, value) {
        (_, Value::Null) => false,
        (_, Value::Array(items)) => !items.is_empty(),
        ("launchType", value) => value != "EC2",
        ("platformVersion", value) => value != "LATEST",
        _ => true,
    }
}

/// Fargate as a launch type, or among capacity providers.
fn is_fargate(value: &Value) -> bool {
    let word = |value: &Value| {
        value
            .as_str()
            .is_some_and(|word| word.starts_with("FARGATE"))
    };
    let mut providers = value.as_array().into_iter().flatten();
    word(value) || providers.any(|one| one.get("capacityProvider").is_some_and(word))
}

/// The revision that a target starts.
pub fn definition(target: &Map<String, Value>) -> Option<&str> {
    target
        .get("EcsParameters")?
        .get("TaskDefinitionArn")?
        .as_str()
}

/// That a target is to start another revision.
fn new_definition(have: &Map<String, Value>, wanted: &Definition) -> Option<Change> {
    let runs = definition(have);
    let to = match wanted {
        Definition::Arn(arn) if runs == Some(arn) => return None,
        Definition::Arn(arn) => short(arn).to_owned(),
        Definition::New(name) => format!("the new one of {name}"),
    };
    Some(Change {
        path: "taskDefinition".to_owned(),
        from: runs.map(|arn| short(arn).into()),
        to: Some(to.into()),
    })
}

/// A service as it will be: what the file names over what is there.
pub fn service(
    fields: &Map<String, Value>,
    running: Option<&Map<String, Value>>,
) -> Map<String, Value> {
    let mut all = running.cloned().unwrap_or_default();
    for (key, value) in fields {
        let value = over(all.get(key), value);
        all.insert(key.clone(), value);
    }
    all
}
