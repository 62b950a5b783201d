"""ministack (1.5.33) with its ECS corrected where a deployment would look other than on AWS:

- a service's task has the id of its deployment as `startedBy`,
- the first deployment of a service is IN_PROGRESS until its tasks run,
- `failedTasks` counts without the circuit breaker, too,
- the tasks that ran before stay when the circuit breaker fails a deployment and does not roll back,
- what a task definition does not say is not in it as an empty text,
- a container has the default `stopTimeout` of 30 seconds from TERM to KILL, where ministack gives five,
- what it said last is in its log before it is removed, what podman forgot in following it, too,
- a task that has just ended is not taken for healthy, however busy the machine.

Whether a container has ended, podman is asked by the one who watches it, and not by each call that lists tasks: a
load balancer that looks often would wait for it.

And a container gets a network with only a loopback, whatever the task definition's network mode.

    python3 ministack_ecs.py     with ministack's variables
"""

import threading

from ministack import app
from ministack.services import ecs

run_task = ecs._run_task
make_deployment = ecs._make_deployment
record_failure = ecs._record_service_task_failure
stop_task = ecs._stop_task
build_run_kwargs = ecs._build_run_kwargs
register_task_definition = ecs._register_task_definition
remove_container = ecs._remove_docker_container
start_forwarder = ecs._start_awslogs_forwarder
maybe_mark_stopped = ecs._maybe_mark_stopped
record_healthy = ecs._record_service_task_healthy

STOP_TIMEOUT = 30
LOG_TIMEOUT = 120
forwarders = {}


def run_task_of_deployment(data):
    deployment = data.get("_deploymentId")
    return run_task({**data, "startedBy": deployment} if deployment else data)


def deployment_in_progress(*arguments, **options):
    made = make_deployment(*arguments, **options)
    return {**made, "rolloutState": "IN_PROGRESS", "rolloutStateReason": f"ECS deployment {made['id']} in progress."}


def service_of(task):
    cluster = ecs._cluster_name_from_arn(task.get("clusterArn", ""))
    return ecs._services.get(f"{cluster}/{task.get('group', '').removeprefix('service:')}")


def record_failure_always(task, **options):
    service = service_of(task)
    deployment = service and ecs._deployment_for_task(service, task)
    if deployment and deployment.get("rolloutState") == "IN_PROGRESS":
        breaker = (service.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}
        if not breaker.get("enable"):
            deployment["failedTasks"] += 1
    return record_failure(task, **options)


def stop_task_of_success(data):
    if data.get("reason") == "Task definition updated":
        task = ecs._resolve_task(data["task"], data["cluster"])
        service = task and service_of(task)
        primary = service and ecs._primary_deployment(service)
        if primary and primary.get("rolloutState") == "FAILED":
            return None
    return stop_task(data)


def run_kwargs_without_network(*arguments):
    kwargs = build_run_kwargs(*arguments)
    for name in ("network", "ports", "extra_hosts"):
        kwargs.pop(name, None)
    return {**kwargs, "network_mode": "none"}


def register_without_empty(data):
    told = register_task_definition(data)
    for definition in ecs._task_defs.values():
        for name in [name for name, value in definition.items() if value in ("", None)]:
            del definition[name]
    return told


def start_forwarder_kept(container, definition, task_id):
    before = set(threading.enumerate())
    start_forwarder(container, definition, task_id)
    named = f"ministack-ecs-awslogs-{task_id[:8]}"
    new = [one for one in threading.enumerate() if one not in before and one.name.startswith(named)]
    forwarders.setdefault(container.id, []).extend(new)


def forward_all(container, config, account_id, region):
    def emit(data):
        for line in data.decode("utf-8", errors="replace").splitlines():
            ecs._emit_awslogs_event(config, line)

    with ecs.request_scope(account_id, region):
        if not ecs._ensure_awslogs_stream(config):
            return
        seen = 0
        try:
            for chunk in container.logs(stream=True, follow=True, stdout=True, stderr=True):
                emit(chunk)
                seen += len(chunk)
        except Exception as error:
            ecs.logger.warning("ECS: a log is not followed any more: %s", error)
        try:
            container.wait()
            rest = container.logs(stdout=True, stderr=True)[seen:]
            if rest:
                ecs.logger.warning("ECS: %d bytes of a log came after its end", len(rest))
            emit(rest)
        except Exception as error:
            ecs.logger.warning("ECS: the end of a log was not read: %s", error)


def remove_container_after_its_end(client, container):
    if client and container is not None:
        try:
            if isinstance(container, str):
                container = client.containers.get(container)
            container.stop(timeout=STOP_TIMEOUT)
        except Exception:
            pass  # gone, or never started: for it to say
        for thread in forwarders.pop(getattr(container, "id", container), []):
            thread.join(LOG_TIMEOUT)
    remove_container(client, container)


def mark_stopped_by_its_watch(task, docker_client=None):
    if docker_client is not None:
        maybe_mark_stopped(task, docker_client)


def record_healthy_if_it_lives(service, task):
    maybe_mark_stopped(task, ecs._get_docker())
    record_healthy(service, task)


ecs._build_run_kwargs = run_kwargs_without_network
ecs._ACTION_MAP["RegisterTaskDefinition"] = register_without_empty
# Calls of clients are in that table; these are the calls of its scheduler.
ecs._run_task = run_task_of_deployment
ecs._make_deployment = deployment_in_progress
ecs._record_service_task_failure = record_failure_always
ecs._stop_task = stop_task_of_success
ecs._remove_docker_container = remove_container_after_its_end
ecs._start_awslogs_forwarder = start_forwarder_kept
ecs._forward_awslogs = forward_all
ecs._maybe_mark_stopped = mark_stopped_by_its_watch
ecs._record_service_task_healthy = record_healthy_if_it_lives

app.main()
