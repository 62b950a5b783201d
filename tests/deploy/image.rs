//! Images of ECR: looked up, refused where missing, pinned.

use super::{loaded, task};
use crate::aws::store::{make, members, reply};
use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::moto::Moto;
use crate::support::{Entry, binary};
use entry::aws::{Api, AwsError, Call, Kind, Pending, Tagged};
use entry::deploy::config::Config;
use entry::deploy::image::{self, Found, closest};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const SHA: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn config(images: &[&str], head: &str) -> Config {
    let tasks = images.iter().enumerate().map(|(number, image)| {
        format!("  t{number}: {{containerDefinitions: [{{name: app, image: \"{image}\"}}]}}\n")
    });
    let tasks: String = tasks.collect();
    let file = format!("{head}\ncluster: main\ntasks:\n{tasks}");
    loaded(&[("deploy.yml", &file)], None)
}

/// ECR with these tags in every repository but `none`; the digest of a tag is made of its name.
#[derive(Clone)]
struct Ecr {
    tags: Rc<[&'static str]>,
    asked: Rc<RefCell<Vec<Value>>>,
    region: String,
}

impl Ecr {
    fn digest(tag: &str) -> String {
        format!("sha256:{tag:0>64}")
    }
}

impl Call for Ecr {
    fn call<'a>(
        &'a self,
        api: &'static Api,
        operation: &'a str,
        resource: &'a str,
        input: Value,
        _: Instant,
    ) -> Pending<'a, Value> {
        assert_eq!((api.name(), operation), ("ecr", "DescribeImages"));
        let mut asked = input.clone();
        asked["region"] = self.region.clone().into();
        self.asked.borrow_mut().push(asked);
        let error = |kind, code: &str| {
            let detail = format!("no (x) ({code})");
            Err(AwsError::new(kind, "ecr:DescribeImages", resource, detail))
        };
        let detail = |tag: &str| json!({"imageDigest": Ecr::digest(tag), "imageTags": [tag], "imagePushedAt": 1.5});
        let answer = match input["repositoryName"].as_str().unwrap() {
            "none" => error(Kind::NotFound, "RepositoryNotFoundException"),
            "denied" => error(Kind::Denied, "AccessDeniedException"),
            _ => match input["imageIds"].as_array() {
                None => Ok(
                    json!({"imageDetails": self.tags.iter().map(|tag| detail(tag)).collect::<Vec<_>>()}),
                ),
                Some(ids) => {
                    let found: Vec<&&str> = ids
                        .iter()
                        .filter_map(|id| {
                            self.tags.iter().find(|tag| {
                                id["imageTag"] == ***tag || id["imageDigest"] == Ecr::digest(tag)
                            })
                        })
                        .collect();
                    if found.len() < ids.len() {
                        error(Kind::NotFound, "ImageNotFoundException")
                    } else {
                        Ok(
                            json!({"imageDetails": found.iter().map(|tag| detail(tag)).collect::<Vec<_>>()}),
                        )
                    }
                }
            },
        };
        Box::pin(async { answer })
    }
}

fn find(config: &Config, tags: &[&'static str]) -> (Found, Vec<Value>) {
    let asked = Rc::default();
    let region = |region: &str| Ecr {
        tags: tags.into(),
        asked: Rc::clone(&asked),
        region: region.to_owned(),
    };
    let deadline = Instant::now() + Duration::from_mins(1);
    let found = image::find(config, &region, &|_| Vec::new(), deadline);
    let found = entry::aws::runtime().unwrap().block_on(found);
    let asked = asked.take();
    (found, asked)
}

fn image_of(config: &Config, task_name: &str) -> String {
    let image = &task(config, task_name)["containerDefinitions"][0]["image"];
    image.as_str().unwrap().to_owned()
}

#[test]
fn images_are_pinned_to_what_their_tags_stand_for() {
    let web = format!("{HOST}/app:web");
    let digest = format!("{HOST}/app@{}", Ecr::digest("job"));
    let other = format!("{}/app", HOST.replace("eu-west-1", "us-east-1"));
    let all = [&*web, &digest, &other, "redis:7", &web];
    let config = config(&all, "");
    let (found, asked) = find(&config, &["web", "job", "latest"]);
    assert_eq!(found.missing, []);
    assert_eq!(found.unread, []);
    assert_eq!(found.elsewhere, ["redis:7"]);
    // A call for each repository.
    let regions: Vec<&str> = asked
        .iter()
        .map(|one| one["region"].as_str().unwrap())
        .collect();
    assert_eq!(regions, ["eu-west-1", "us-east-1"]);
    assert_eq!(asked[0]["registryId"], "123456789012");
    assert_eq!(asked[0]["imageIds"].as_array().unwrap().len(), 2);

    let pinned = image::pinned(&config, &found.digests);
    assert_eq!(
        image_of(&pinned, "t0"),
        format!("{web}@{}", Ecr::digest("web"))
    );
    assert_eq!(image_of(&pinned, "t1"), digest);
    assert_eq!(
        image_of(&pinned, "t2"),
        format!("{other}@{}", Ecr::digest("latest"))
    );
    assert_eq!(image_of(&pinned, "t3"), "redis:7");
    assert_eq!(image_of(&pinned, "t4"), image_of(&pinned, "t0"));
    // Once more changes nothing.
    assert_eq!(image::pinned(&pinned, &found.digests), pinned);
}

#[test]
fn a_file_may_have_its_images_left_alone() {
    let web = format!("{HOST}/app:web");
    let config = config(&[&web], "pin: false");
    let (found, _) = find(&config, &["web"]);
    assert_eq!(found.digests.len(), 1);
    assert_eq!(image::pinned(&config, &found.digests), config);
}

#[test]
fn one_that_is_missing_hides_no_other() {
    let name = |rest: &str| format!("{HOST}/{rest}");
    let all = [
        name("app:web"),
        name("app:gone"),
        name("none:web"),
        name("denied:web"),
    ];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let (found, _) = find(&config(&all, ""), &["web"]);
    let known: Vec<&String> = found.digests.keys().collect();
    assert_eq!(known, [&name("app:web")]);
    let missing: Vec<String> = found.missing.iter().map(ToString::to_string).collect();
    assert_eq!(
        missing,
        [
            format!(
                "image {HOST}/app:gone: ECR does not have it: push it first, or name another commit; \
                 the newest tags are web"
            ),
            format!("image {HOST}/none:web: ECR has no such repository: correct its name"),
        ]
    );
    assert_eq!(found.unread.len(), 1);
    assert_eq!(found.unread[0].1.kind, Kind::Denied);
}

#[test]
fn the_closest_are_of_commits_before_and_the_newest() {
    let sha = |letter: &str| letter.repeat(40);
    let tagged = |tag: String, pushed_at| Tagged { tag, pushed_at };
    let tags = [
        tagged(format!("web-{}", sha("c")), 1.0),
        tagged(format!("job-{}", sha("b")), 5.0),
        tagged("latest".to_owned(), 4.0),
        tagged("old".to_owned(), 2.0),
        tagged(format!("web-{}", sha("d")), 0.5),
        tagged(format!("web-{}", sha("e")), 0.2),
    ];
    let ancestors = |of: &str| {
        assert_eq!(of, SHA);
        ["b", "c", "d", "e"].map(sha).to_vec()
    };
    let found = closest(&format!("web-{SHA}"), &tags, &ancestors);
    let (c, d) = (sha("c"), sha("d"));
    assert_eq!(
        found.to_string(),
        format!(
            "web-{c} is there, 2 commits before; web-{d} is there, 3 commits before; \
             the newest tags are job-{}, latest, old",
            sha("b")
        )
    );
    let found = closest("v1.2", &tags, &|_| panic!("no commit"));
    assert!(found.ancestors.is_empty());
    assert_eq!(
        closest("v1", &[], &|_| Vec::new()).to_string(),
        "it has no tags at all"
    );
}

const ECR: &str = "AmazonEC2ContainerRegistry_V20150921";

fn plan(moto: &str, words: &[&str], file: &str) -> Entry {
    Entry::of(Command::new(binary("entryctl")))
        .file("deploy.yml", file)
        .env("AWS_ENDPOINT_URL", moto)
        .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
        .env("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("SHA", SHA)
        .args(words)
}

#[test]
fn plan_pins_and_refuses() {
    let moto = Moto::start();
    let url = moto.url();
    let ecs = "AmazonEC2ContainerServiceV20141113.CreateCluster";
    make(&url, ecs, &json!({"clusterName": "main"}));
    ecr(&url, "CreateRepository", &json!({"repositoryName": "app"}));
    let digest = put(&url, "app", SHA);
    let file = |tag: &str| {
        format!(
            "cluster: main\nregion: us-east-1\nimage: {}/app:{tag}\ntasks:\n  web: \
             {{containerDefinitions: [{{name: app, memory: 128}}]}}\nservices: {{web: {{desiredCount: 1}}}}\n",
            HOST.replace("eu-west-1", "us-east-1")
        )
    };
    let finished = plan(&url, &["plan", "--json"], &file("${SHA}"))
        .run()
        .expect(0);
    let found: Value = serde_json::from_str(&finished.stdout()).unwrap();
    let image = &found["taskDefinitions"][0]["request"]["containerDefinitions"][0]["image"];
    let image = image.as_str().unwrap();
    assert!(image.ends_with(&format!("/app:{SHA}@{digest}")), "{image}");

    let finished = plan(&url, &["plan"], &file("v2")).run().expect(1);
    assert_eq!(finished.stdout(), "");
    let stderr = finished.stderr();
    assert!(stderr.contains("/app:v2: ECR does not have it"), "{stderr}");
    assert!(
        stderr.contains(&format!("the newest tags are {SHA}\n")),
        "{stderr}"
    );
}

/// Puts an image into moto's ECR; its digest.
pub fn put(url: &str, repository: &str, tag: &str) -> String {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"digest": "sha256:1", "size": 1},
        "layers": [],
    });
    let image = json!({
        "repositoryName": repository, "imageTag": tag, "imageManifest": manifest.to_string(),
    });
    let put = ecr(url, "PutImage", &image);
    let digest = put["image"]["imageId"]["imageDigest"].as_str();
    digest.unwrap().to_owned()
}

/// Makes something in moto's ECR.
pub fn ecr(url: &str, operation: &str, body: &Value) -> Value {
    make(url, &format!("{ECR}.{operation}"), body)
}

/// A role that may not ask.
#[test]
fn what_cannot_be_asked_is_not_deployed_unseen() {
    let server = FakeHttp::start(|request, _| {
        if request.headers["x-amz-target"].starts_with(ECR) {
            return Reply::error(400, "AccessDeniedException", "no");
        }
        if members(request)["services"].is_array() {
            reply(&json!({"services": [], "failures": []}))
        } else {
            Reply::error(400, "ClientException", "no such definition")
        }
    });
    let file = |head: &str| {
        format!(
            "cluster: main\nregion: us-east-1\n{head}image: {HOST}/app:v1\ntasks:\n  web: \
             {{containerDefinitions: [{{name: app, memory: 128}}]}}\nservices: {{web: {{desiredCount: 1}}}}\n"
        )
    };
    let finished = plan(&server.url(), &["plan"], &file("")).run().expect(1);
    let stderr = finished.stderr();
    assert!(
        stderr.contains("/app:v1: ecr:DescribeImages app v1: access denied"),
        "{stderr}"
    );
    assert!(
        stderr.ends_with("; or write pin: false, to deploy it unseen\n"),
        "{stderr}"
    );
    let finished = plan(&server.url(), &["plan"], &file("pin: false\n"))
        .run()
        .expect(0);
    let stderr = finished.stderr();
    assert!(stderr.starts_with("entryctl: warning: image "), "{stderr}");
}
