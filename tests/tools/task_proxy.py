"""A load balancer without a safety net, for the tasks of a service that scripts/local-ecs runs.

    python3 task_proxy.py ECS_URL PODMAN_SOCKET CLUSTER SERVICE [--listen 127.0.0.1:0] [--port 3000]

It learns from ECS which tasks run and are meant to go on, and relays each connection to the next of them, in the
task's own network. It never retries: a task that refuses or resets costs the client its request. It says where it
listens in its first line, then each change of the tasks, and ends when its standard input does.
"""

import argparse
import ctypes
import http.client
import json
import os
import select
import socket
import sys
import threading
import time
import urllib.request

LOOK = 0.1
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
own_network = os.open("/proc/self/ns/net", os.O_RDONLY)


def ecs(url, operation, **request):
    headers = {
        "X-Amz-Target": f"AmazonEC2ContainerServiceV20141113.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
    }
    asked = urllib.request.Request(url, json.dumps(request).encode(), headers)
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)


class Podman(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("podman", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def process(podman, container):
    """The first process of a container."""
    connection = Podman(podman)
    try:
        connection.request("GET", f"/v1.40/containers/{container}/json")
        answer = connection.getresponse()
        return json.load(answer)["State"]["Pid"] if answer.status == 200 else 0
    finally:
        connection.close()


def enter(network):
    if libc.setns(network, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Tasks:
    """The tasks that take requests, each with its network."""

    def __init__(self, options):
        self.options = options
        self.networks = {}
        self.turn = 0
        self.lock = threading.Lock()

    def look(self):
        asked = {"cluster": self.options.cluster}
        listed = ecs(self.options.ecs, "ListTasks", serviceName=self.options.service, **asked)["taskArns"]
        told = ecs(self.options.ecs, "DescribeTasks", tasks=listed, **asked)["tasks"] if listed else []
        serving = {
            task["taskArn"]: task["containers"][0]["name"]
            for task in told
            if task["lastStatus"] == "RUNNING" and task["desiredStatus"] == "RUNNING"
        }
        for arn in serving.keys() - self.networks.keys():
            # As ministack calls its containers.
            name = f"ministack-ecs-{arn.rsplit('/', 1)[1][:8]}-{serving[arn]}"
            try:
                network = os.open(f"/proc/{process(self.options.podman, name)}/ns/net", os.O_RDONLY)
            except OSError:
                continue  # it has just ended
            with self.lock:
                self.networks[arn] = network
            self.tell("took in", arn)
        for arn in self.networks.keys() - serving.keys():
            with self.lock:
                os.close(self.networks.pop(arn))
            self.tell("let go", arn)

    def tell(self, what, arn):
        print(f"{what} {arn.rsplit('/', 1)[1]}, {len(self.networks)} tasks", flush=True)

    def connect(self):
        """A connection to the task whose turn it is; the calling thread's network is its own again after it."""
        with self.lock:
            if not self.networks:
                raise OSError("no task")
            self.turn += 1
            networks = list(self.networks.values())
            network = os.dup(networks[self.turn % len(networks)])
        try:
            enter(network)
            try:
                return socket.create_connection(("127.0.0.1", self.options.port), timeout=10)
            finally:
                enter(own_network)
        finally:
            os.close(network)


def relay(client, tasks):
    with client:
        try:
            server = tasks.connect()
        except OSError as error:
            print(f"no connection: {error}", flush=True)
            return
        with server:
            server.settimeout(None)
            other = {client: server, server: client}
            while other:
                for end in select.select(list(other), [], [])[0]:
                    try:
                        data = end.recv(65536)
                        if data:
                            other[end].sendall(data)
                            continue
                        if end is client:
                            server.shutdown(socket.SHUT_WR)
                            del other[client]
                            continue
                    except OSError:
                        pass
                    return  # the task is done, or one of them is gone


def main():
    parser = argparse.ArgumentParser()
    for name in ("ecs", "podman", "cluster", "service"):
        parser.add_argument(name)
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--port", type=int, default=3000)
    options = parser.parse_args()
    host, port = options.listen.rsplit(":", 1)
    listener = socket.create_server((host, int(port)), backlog=128)
    print(f"listening on {listener.getsockname()[1]}", flush=True)
    tasks = Tasks(options)

    def accept():
        while True:
            client = listener.accept()[0]
            threading.Thread(target=relay, args=(client, tasks), daemon=True).start()

    def learn():
        while True:
            try:
                tasks.look()
            except Exception as error:
                print(f"not learned: {error}", flush=True)
            time.sleep(LOOK)

    for loop in (accept, learn):
        threading.Thread(target=loop, daemon=True).start()
    sys.stdin.read()


main()
