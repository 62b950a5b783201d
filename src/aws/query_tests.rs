use super::*;
use serde_json::json;

fn query(input: &Value) -> String {
    form(Lists::Members, "2011-01-01", "Describe", input)
}

#[test]
fn members_are_a_form() {
    let table = [
        (json!({}), ""),
        (
            json!({"Name": null, "Size": 3, "On": true}),
            "&Size=3&On=true",
        ),
        (
            json!({"Names": ["a b", "ü/&="]}),
            "&Names.member.1=a%20b&Names.member.2=%C3%BC%2F%26%3D",
        ),
        (json!({"Names": []}), "&Names="),
        (
            json!({"Tags": [{"Key": "k", "Value": "v"}, {"Key": "-_.~"}]}),
            "&Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.2.Key=-_.~",
        ),
        (
            json!({"Spec": {"Max": 1, "List": [2]}}),
            "&Spec.Max=1&Spec.List.member.1=2",
        ),
    ];
    for (input, expected) in table {
        let expected: Vec<&str> = expected.split('&').skip(1).collect();
        let found = query(&input);
        let rest = found.strip_prefix("Action=Describe&Version=2011-01-01");
        let found: Vec<&str> = rest.unwrap().split('&').skip(1).collect();
        let sorted = |mut all: Vec<&str>| {
            all.sort_unstable();
            all.join("&")
        };
        assert_eq!(sorted(found), sorted(expected), "{input}");
    }
}

#[test]
fn ec2_numbers_its_lists_alone() {
    let input = json!({"InstanceId": ["i-1", "i-2"], "Filter": [{"Name": "tag:a", "Value": ["x"]}],
        "Empty": []});
    let found = form(Lists::Bare, "2016-11-15", "DescribeInstances", &input);
    let mut found: Vec<&str> = found.split('&').collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "Action=DescribeInstances",
            "Filter.1.Name=tag%3Aa",
            "Filter.1.Value.1=x",
            "InstanceId.1=i-1",
            "InstanceId.2=i-2",
            "Version=2016-11-15",
        ]
    );
}

/// In the shape of the Auto Scaling API reference's example.
const GROUPS: &str = r#"<?xml version="1.0"?>
<DescribeAutoScalingGroupsResponse xmlns="https://autoscaling.amazonaws.com/doc/2011-01-01/">
  <DescribeAutoScalingGroupsResult>
    <AutoScalingGroups>
      <member>
        <AutoScalingGroupName>my &amp; asg&#x21;</AutoScalingGroupName>
        <DesiredCapacity>2</DesiredCapacity>
        <SuspendedProcesses/>
        <LoadBalancerNames>
        </LoadBalancerNames>
        <Instances>
          <member><InstanceId>i-1</InstanceId><ProtectedFromScaleIn>false</ProtectedFromScaleIn></member>
          <member><InstanceId>i-2</InstanceId></member>
        </Instances>
        <Note><![CDATA[<b>]]></Note>
      </member>
    </AutoScalingGroups>
  </DescribeAutoScalingGroupsResult>
  <ResponseMetadata><RequestId>7c6e177f</RequestId></ResponseMetadata>
</DescribeAutoScalingGroupsResponse>"#;

/// In the shape of the EC2 API reference's example.
const INSTANCES: &str = r#"<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>8f7724cf</requestId>
  <reservationSet><item><ownerId>1</ownerId><instancesSet><item>
    <instanceId>i-1</instanceId><instanceState><code>16</code><name>running</name></instanceState>
    <tagSet><item><key>k</key><value>v</value></item></tagSet><reason/>
  </item></instancesSet></item></reservationSet>
</DescribeInstancesResponse>"#;

#[test]
fn a_reply_is_its_members() {
    let found = reply("DescribeAutoScalingGroups", GROUPS.as_bytes());
    assert_eq!(
        found,
        Some(json!({"AutoScalingGroups": [{
            "AutoScalingGroupName": "my & asg!",
            "DesiredCapacity": "2",
            "SuspendedProcesses": null,
            "LoadBalancerNames": null,
            "Instances": [{"InstanceId": "i-1", "ProtectedFromScaleIn": "false"}, {"InstanceId": "i-2"}],
            "Note": "<b>",
        }]}))
    );
    let found = reply("DescribeInstances", INSTANCES.as_bytes());
    assert_eq!(
        found,
        Some(
            json!({"requestId": "8f7724cf", "reservationSet": [{"ownerId": "1", "instancesSet": [{
                "instanceId": "i-1",
                "instanceState": {"code": "16", "name": "running"},
                "tagSet": [{"key": "k", "value": "v"}],
                "reason": null,
            }]}]})
        )
    );
}

#[test]
fn a_reply_without_members_is_an_empty_map() {
    for body in [
        "<SetResponse><SetResult/></SetResponse>",
        "<SetResponse/>",
        "<SetResponse></SetResponse>",
    ] {
        assert_eq!(reply("Set", body.as_bytes()), Some(json!({})), "{body}");
    }
}

#[test]
fn what_is_no_reply_is_refused() {
    let deep = "<a>".repeat(100_000);
    let bodies = [
        "",
        "{}",
        "<html><body>canary</body></html>",
        "<SetResponse>text</SetResponse>",
        "<SetResponse><a></SetResponse>",
        "<SetResponse><SetResult><a>1</a></SetResult>",
        "<SetResponse>&unknown;</SetResponse>",
        "<OtherResponse/>",
        &deep,
    ];
    for body in bodies {
        assert_eq!(reply("Set", body.as_bytes()), None, "{body:.60}");
    }
    assert_eq!(reply("Set", b"<SetResponse>\xff</SetResponse>"), None);
}

#[test]
fn an_error_names_its_code() {
    let table = [
        (
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
             <Code>NoSuchEntity</Code><Message>no role</Message></Error><RequestId>1</RequestId></ErrorResponse>",
            Some("NoSuchEntity"),
            Some("no role"),
        ),
        (
            "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code><Message>m</Message></Error>\
             </Errors><RequestID>1</RequestID></Response>",
            Some("InvalidInstanceID.NotFound"),
            Some("m"),
        ),
        (
            "<Response><Errors><Error><Code>A</Code></Error><Error><Code>B</Code></Error></Errors></Response>",
            Some("A"),
            None,
        ),
        ("<html>canary</html>", None, None),
        ("canary", None, None),
    ];
    for (body, code, message) in table {
        let found = metadata(body.as_bytes());
        assert_eq!((found.code(), found.message()), (code, message), "{body}");
    }
}

#[test]
fn an_empty_list_is_one() {
    #[derive(Deserialize)]
    struct Reply {
        #[serde(default, deserialize_with = "list")]
        all: Vec<String>,
    }
    for (reply, expected) in [
        (json!({"all": null}), vec![]),
        (json!({}), vec![]),
        (json!({"all": ["a"]}), vec!["a"]),
    ] {
        let reply: Reply = serde_json::from_value(reply).unwrap();
        assert_eq!(reply.all, expected);
    }
}
