//! ECS as far as plans need it: what it makes of a request, with what it fills in, in an order of its own.

use entry::deploy::plan::{Definition, DefinitionAction, Plan, Revision, Running, ServiceAction};
use serde_json::{Map, Value, json};

/// What runs, at first nothing.
#[derive(Default)]
pub struct Ecs {
    pub running: Running,
    revisions: u32,
}

impl Ecs {
    /// Carries a plan out.
    pub fn apply(&mut self, plan: &Plan) {
        assert_eq!(plan.refusals, [] as [String; 0]);
        let mut arns = Map::new();
        for step in &plan.definitions {
            if let DefinitionAction::Register { request, .. } = &step.action {
                let arn = self.register(request);
                arns.insert(step.name.clone(), arn.into());
            }
        }
        let arn = |definition: &Definition| match definition {
            Definition::Arn(arn) => json!(arn),
            Definition::New(name) => arns[name].clone(),
        };
        for step in &plan.services {
            match &step.action {
                ServiceAction::Unchanged => {}
                ServiceAction::Delete => drop(self.running.services.remove(&step.name)),
                ServiceAction::Create {
                    request,
                    definition,
                } => {
                    let service = created(request, arn(definition));
                    self.running.services.insert(step.name.clone(), service);
                }
                ServiceAction::Update {
                    request,
                    definition,
                    tags,
                    ..
                } => {
                    let service = self.running.services.get_mut(&step.name).unwrap();
                    for (key, value) in request {
                        if !matches!(key.as_str(), "service" | "cluster" | "forceNewDeployment") {
                            service.insert(key.clone(), value.clone());
                        }
                    }
                    if let Some(definition) = definition {
                        service.insert("taskDefinition".to_owned(), arn(definition));
                    }
                    set_tags(service, tags);
                    fill_service(service);
                }
            }
        }
    }

    /// Registers a revision, which becomes the first to be compared with.
    pub fn register(&mut self, request: &Map<String, Value>) -> String {
        self.revisions += 1;
        let family = request["family"].as_str().unwrap();
        let arn = format!(
            "arn:aws:ecs:us-east-1:1:task-definition/{family}:{}",
            self.revisions
        );
        let mut definition = request.clone();
        fill_task(&mut definition);
        definition.insert("taskDefinitionArn".to_owned(), arn.clone().into());
        definition.insert("revision".to_owned(), self.revisions.into());
        definition.insert("status".to_owned(), "ACTIVE".into());
        definition.insert("registeredAt".to_owned(), json!(1.5));
        definition.insert("compatibilities".to_owned(), json!(["EC2", "FARGATE"]));
        let revision = Revision {
            arn: arn.clone(),
            definition,
        };
        let revisions = self.running.definitions.entry(family.to_owned());
        revisions.or_default().insert(0, revision);
        arn
    }
}

fn fill(map: &mut Map<String, Value>, defaults: &Value) {
    for (key, value) in defaults.as_object().unwrap() {
        map.entry(key).or_insert_with(|| value.clone());
    }
}

fn each(map: &mut Map<String, Value>, list: &str, change: impl Fn(&mut Map<String, Value>)) {
    let items = map.get_mut(list).and_then(Value::as_array_mut);
    for item in items.into_iter().flatten() {
        change(item.as_object_mut().unwrap());
    }
}

fn reverse(map: &mut Map<String, Value>, list: &str) {
    if let Some(items) = map.get_mut(list).and_then(Value::as_array_mut) {
        items.reverse();
    }
}

fn fill_task(task: &mut Map<String, Value>) {
    fill(
        task,
        &json!({"networkMode": "bridge", "volumes": [], "placementConstraints": [],
            "requiresAttributes": [{"name": "x"}], "enableFaultInjection": false}),
    );
    let awsvpc = task["networkMode"] == "awsvpc";
    each(task, "containerDefinitions", |container| {
        fill(
            container,
            &json!({"cpu": 0, "essential": true, "environment": [], "mountPoints": [],
                "portMappings": [], "volumesFrom": [], "systemControls": []}),
        );
        reverse(container, "environment");
        reverse(container, "portMappings");
        each(container, "portMappings", |port| {
            let outer = if awsvpc {
                port["containerPort"].clone()
            } else {
                json!(0)
            };
            fill(port, &json!({"protocol": "tcp", "hostPort": outer}));
        });
        each(container, "mountPoints", |mount| {
            fill(mount, &json!({"readOnly": false}));
        });
        if let Some(Value::Object(check)) = container.get_mut("healthCheck") {
            fill(check, &json!({"interval": 30, "timeout": 5, "retries": 3}));
        }
        if let Some(Value::Object(log)) = container.get_mut("logConfiguration") {
            fill(log, &json!({"options": {}, "secretOptions": []}));
        }
    });
    each(task, "volumes", |volume| fill(volume, &json!({"host": {}})));
}

fn created(request: &Map<String, Value>, definition: Value) -> Map<String, Value> {
    let mut service = request.clone();
    service.remove("cluster");
    let connect = service.remove("serviceConnectConfiguration");
    service.insert("taskDefinition".to_owned(), definition);
    let mut deployment = json!({"id": "ecs-svc/1", "status": "PRIMARY"});
    if let Some(connect) = connect {
        deployment["serviceConnectConfiguration"] = connect;
    }
    service.insert("deployments".to_owned(), json!([deployment]));
    fill_service(&mut service);
    service
}

fn fill_service(service: &mut Map<String, Value>) {
    fill(
        service,
        &json!({"status": "ACTIVE", "schedulingStrategy": "REPLICA", "launchType": "EC2",
            "deploymentController": {"type": "ECS"}, "deploymentConfiguration": {},
            "loadBalancers": [], "placementConstraints": [], "propagateTags": "NONE",
            "enableExecuteCommand": false, "events": [], "runningCount": 1}),
    );
    if let Some(Value::Object(deployment)) = service.get_mut("deploymentConfiguration") {
        fill(
            deployment,
            &json!({"maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING",
                "deploymentCircuitBreaker": {"enable": false, "rollback": false}}),
        );
    }
    let network = service.get_mut("networkConfiguration");
    if let Some(Value::Object(network)) =
        network.and_then(|network| network.get_mut("awsvpcConfiguration"))
    {
        fill(network, &json!({"assignPublicIp": "DISABLED"}));
        reverse(network, "subnets");
    }
    each(service, "capacityProviderStrategy", |one| {
        fill(one, &json!({"base": 0, "weight": 0}));
    });
}

fn set_tags(service: &mut Map<String, Value>, tags: &Map<String, Value>) {
    if tags.is_empty() {
        return;
    }
    let all = service.entry("tags").or_insert_with(|| json!([]));
    let all = all.as_array_mut().unwrap();
    for (key, value) in tags {
        all.retain(|tag| tag["key"] != *key);
        all.push(json!({"key": key, "value": value}));
    }
}
