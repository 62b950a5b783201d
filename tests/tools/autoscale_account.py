"""What stands around the autoscaler of the demo: an account on moto, the agents of its nodes, and an alarm.

Usage: python3 autoscale_account.py ENDPOINT make            a cluster with a service, a group of one node, a bucket
       python3 autoscale_account.py ENDPOINT agents          nodes come into the cluster and leave it, until killed
       python3 autoscale_account.py ENDPOINT alarm NAME STATE
       python3 autoscale_account.py ENDPOINT show            tasks and nodes, in one line
"""
import json
import sys
import time

import boto3

endpoint, what, *more = sys.argv[1:]
session = boto3.Session(aws_access_key_id="admin", aws_secret_access_key="admin", region_name="us-east-1")
ecs, groups, alarms, s3 = (
    session.client(name, endpoint_url=endpoint) for name in ("ecs", "autoscaling", "cloudwatch", "s3")
)


def make():
    s3.create_bucket(Bucket="myapp-state")
    ecs.create_cluster(clusterName="main")
    container = {"name": "app", "image": "myapp", "memory": 64}
    ecs.register_task_definition(family="web", containerDefinitions=[container])
    # With a count at once, moto's deployment is never complete.
    ecs.create_service(cluster="main", serviceName="web", taskDefinition="web", desiredCount=0)
    ecs.update_service(cluster="main", service="web", desiredCount=2)
    groups.create_launch_configuration(
        LaunchConfigurationName="nodes", ImageId="ami-12c6146b", InstanceType="t3.micro"
    )
    groups.create_auto_scaling_group(
        AutoScalingGroupName="web-nodes", LaunchConfigurationName="nodes", MinSize=1, MaxSize=6, DesiredCapacity=1,
        AvailabilityZones=["us-east-1a", "us-east-1b"],
    )
    for name in ("web-is-slow", "web-is-idle"):
        alarms.put_metric_alarm(
            AlarmName=name, MetricName="latency", Namespace="myapp", Period=60, Threshold=1.0, EvaluationPeriods=1,
            Statistic="Average", ComparisonOperator="GreaterThanThreshold",
        )
        alarm(name, "OK")


def alarm(name, state):
    alarms.set_alarm_state(AlarmName=name, StateValue=state, StateReason="the demo")


def instances():
    group = groups.describe_auto_scaling_groups(AutoScalingGroupNames=["web-nodes"])["AutoScalingGroups"][0]
    return {one["InstanceId"] for one in group["Instances"]}, group["DesiredCapacity"]


def nodes():
    arns = ecs.list_container_instances(cluster="main")["containerInstanceArns"]
    arns += ecs.list_container_instances(cluster="main", status="DRAINING")["containerInstanceArns"]
    if not arns:
        return {}
    found = ecs.describe_container_instances(cluster="main", containerInstances=sorted(set(arns)))
    return {one["ec2InstanceId"]: one for one in found["containerInstances"]}


def agents():
    while True:
        (there, _), known = instances(), nodes()
        for instance in sorted(there - set(known)):
            document = json.dumps({"instanceId": instance, "region": "us-east-1"})
            ecs.register_container_instance(cluster="main", instanceIdentityDocument=document)
        for instance in set(known) - there:
            arn = known[instance]["containerInstanceArn"]
            ecs.deregister_container_instance(cluster="main", containerInstance=arn, force=True)
        time.sleep(0.2)


def show():
    service = ecs.describe_services(cluster="main", services=["web"])["services"][0]
    states = [one["status"] for one in nodes().values()]
    _, desired = instances()
    print(
        f"web: {service['desiredCount']} tasks; web-nodes: {desired} of 1-6, "
        f"{states.count('ACTIVE')} active, {states.count('DRAINING')} draining"
    )


if what == "alarm":
    alarm(*more)
else:
    {"make": make, "agents": agents, "show": show}[what]()
