//! One-off tasks, told apart by what ECS has of them: the rule that a deploy relies on, in its shortest form.

use entry::aws::Ecs;
use entry::deploy::apply::{self, Ended, Request};
use entry::deploy::guard::Stop;
use serde_json::{Map, Value, json};
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

pub struct OneOffs<'o>(pub Ecs<'o>);

impl OneOffs<'_> {
    async fn tasks(
        &self,
        cluster: &str,
        started_by: &str,
    ) -> Result<Vec<Map<String, Value>>, Stop> {
        let mut arns = Vec::new();
        for status in ["RUNNING", "STOPPED"] {
            let filter = json!({"startedBy": started_by, "desiredStatus": status});
            arns.extend(self.0.list_tasks(cluster, &filter, Instant::now()).await?);
        }
        Ok(self.0.tasks(cluster, &arns, Instant::now()).await?)
    }

    async fn follow(&self, cluster: &str, arn: &str) -> Result<i64, Stop> {
        loop {
            let arns = [arn.to_owned()];
            let tasks = self.0.tasks(cluster, &arns, Instant::now()).await?;
            if tasks[0]["lastStatus"] == "STOPPED" {
                return Ok(tasks[0]["containers"][0]["exitCode"].as_i64().unwrap());
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    async fn once(&self, request: Request<'_>) -> Result<Ended, Stop> {
        let started_by = format!(
            "{}/{}",
            request.definition,
            request.one.run.command.join("-")
        );
        let foreign = request.services.iter().flat_map(|service| {
            let all = service["deployments"].as_array().unwrap().iter();
            let of_others = all.filter(|one| {
                let definition = one["taskDefinition"].as_str().unwrap();
                !request.targets.iter().any(|target| target == definition)
            });
            of_others.map(|one| one["createdAt"].as_f64().unwrap())
        });
        let newest = foreign.fold(0.0, f64::max);
        let known = self.tasks(request.cluster, &started_by).await?;
        let since = |task: &&Map<String, Value>| task["createdAt"].as_f64().unwrap() > newest;
        for task in known.iter().filter(since) {
            let arn = task["taskArn"].as_str().unwrap();
            let code = self.follow(request.cluster, arn).await?;
            if code == 0 {
                return Ok(Ended {
                    code,
                    earlier: true,
                });
            }
        }
        let input = json!({"cluster": request.cluster, "taskDefinition": request.definition,
            "startedBy": started_by});
        let input = input.as_object().unwrap();
        let write = entry::aws::Write::RunTask;
        let reply = request
            .writer
            .write(write, &request.one.run.task, input)
            .await?;
        let arn = reply["tasks"][0]["taskArn"].as_str().unwrap();
        let code = self.follow(request.cluster, arn).await?;
        Ok(Ended {
            code,
            earlier: false,
        })
    }
}

impl apply::OneOffs for OneOffs<'_> {
    fn run<'r>(
        &'r self,
        request: Request<'r>,
    ) -> Pin<Box<dyn Future<Output = Result<Ended, Stop>> + 'r>> {
        Box::pin(self.once(request))
    }
}
