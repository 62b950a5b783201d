//! What is known of AWS's fields. A field that is not known here passes through; a test holds these lists to
//! AWS's own model of the API.

/// Maps whose keys are the user's own words, and are never renamed; what is in them is text.
pub const USER_MAPS: [&str; 4] = ["dockerLabels", "driverOpts", "labels", "options"];

/// A document of the user's, of any shape.
pub const DOCUMENT: &str = "hookDetails";

/// Names that do not follow from their spelling in `snake_case`.
pub const IRREGULAR: [(&str, &str); 3] = [
    ("enable_ecs_managed_tags", "enableECSManagedTags"),
    ("managed_ebs_volume", "managedEBSVolume"),
    ("size_in_gib", "sizeInGiB"),
];

/// Lists that may be written as a map, with what its keys and values are called.
pub const AS_MAP: [(&str, &str, &str); 3] = [
    ("environment", "name", "value"),
    ("secrets", "name", "valueFrom"),
    ("tags", "key", "value"),
];

/// Text, even if it looks like a number or a truth value.
pub const TEXTS: [&str; 11] = [
    "command",
    "entryPoint",
    "family",
    "gid",
    "hostname",
    "key",
    "name",
    "platformVersion",
    "uid",
    "user",
    "value",
];

/// Numbers, even if written in quotes or filled in. `cpu` and `memory` are numbers in a container only.
pub const NUMBERS: [&str; 47] = [
    "bakeTimeInMinutes",
    "base",
    "canaryBakeTimeInMinutes",
    "canaryPercent",
    "containerPort",
    "desiredCount",
    "hardLimit",
    "healthCheckGracePeriodSeconds",
    "healthCheckIntervalSeconds",
    "healthCheckPort",
    "healthCheckTimeoutSeconds",
    "healthyPercent",
    "healthyThresholdCount",
    "hostPort",
    "idleTimeoutSeconds",
    "ignoredExitCodes",
    "ingressPortOverride",
    "interval",
    "iops",
    "maxComputePercent",
    "maxSwap",
    "maximumPercent",
    "memoryReservation",
    "minimumHealthyPercent",
    "perRequestTimeoutSeconds",
    "port",
    "resolutionSeconds",
    "restartAttemptPeriod",
    "retries",
    "sharedMemorySize",
    "size",
    "sizeInGiB",
    "softLimit",
    "startPeriod",
    "startTimeout",
    "stepBakeTimeInMinutes",
    "stepPercent",
    "stopTimeout",
    "swappiness",
    "throughput",
    "timeout",
    "timeoutInMinutes",
    "timeoutSeconds",
    "transitEncryptionPort",
    "unhealthyThresholdCount",
    "volumeInitializationRate",
    "weight",
];

/// Truth values, even if filled in.
pub const FLAGS: [&str; 19] = [
    "autoprovision",
    "configuredAtLaunch",
    "disableNetworking",
    "enable",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "enableFaultInjection",
    "enabled",
    "encrypted",
    "essential",
    "forceNewDeployment",
    "initProcessEnabled",
    "interactive",
    "privileged",
    "pseudoTerminal",
    "readOnly",
    "readonlyRootFilesystem",
    "resetOnHealthyTask",
    "rollback",
];

/// A kind of definition: what may be sent, and what only stands in AWS's answers.
#[derive(Debug)]
pub struct Kind {
    pub sent: &'static [&'static str],
    pub answered: &'static [&'static str],
}

pub const TASK: Kind = Kind {
    sent: &[
        "containerDefinitions",
        "cpu",
        "enableFaultInjection",
        "ephemeralStorage",
        "executionRoleArn",
        "family",
        "inferenceAccelerators",
        "ipcMode",
        "memory",
        "networkMode",
        "pidMode",
        "placementConstraints",
        "proxyConfiguration",
        "requiresCompatibilities",
        "runtimePlatform",
        "tags",
        "taskRoleArn",
        "trustedExecutionConfiguration",
        "volumes",
    ],
    answered: &[
        "compatibilities",
        "deleteRequestedAt",
        "deregisteredAt",
        "registeredAt",
        "registeredBy",
        "requiresAttributes",
        "revision",
        "status",
        "taskDefinitionArn",
    ],
};

pub const CONTAINER: Kind = Kind {
    sent: &[
        "command",
        "cpu",
        "credentialSpecs",
        "dependsOn",
        "disableNetworking",
        "dnsSearchDomains",
        "dnsServers",
        "dockerLabels",
        "dockerSecurityOptions",
        "entryPoint",
        "environment",
        "environmentFiles",
        "essential",
        "extraHosts",
        "firelensConfiguration",
        "healthCheck",
        "hostname",
        "image",
        "interactive",
        "links",
        "linuxParameters",
        "logConfiguration",
        "memory",
        "memoryReservation",
        "mountPoints",
        "name",
        "portMappings",
        "privileged",
        "pseudoTerminal",
        "readonlyRootFilesystem",
        "repositoryCredentials",
        "resourceRequirements",
        "restartPolicy",
        "secrets",
        "startTimeout",
        "stopTimeout",
        "systemControls",
        "ulimits",
        "user",
        "versionConsistency",
        "volumesFrom",
        "workingDirectory",
    ],
    answered: &[],
};

pub const SERVICE: Kind = Kind {
    sent: &[
        "availabilityZoneRebalancing",
        "capacityProviderStrategy",
        "cluster",
        "deploymentConfiguration",
        "deploymentController",
        "desiredCount",
        "enableECSManagedTags",
        "enableExecuteCommand",
        "gatewayConnectors",
        "healthCheckGracePeriodSeconds",
        "launchType",
        "loadBalancers",
        "monitoring",
        "networkConfiguration",
        "placementConstraints",
        "placementStrategy",
        "platformVersion",
        "propagateTags",
        "role",
        "schedulingStrategy",
        "serviceConnectConfiguration",
        "serviceName",
        "serviceRegistries",
        "tags",
        "taskDefinition",
        "volumeConfigurations",
        "vpcLatticeConfigurations",
    ],
    answered: &[
        "clusterArn",
        "createdAt",
        "createdBy",
        "currentServiceDeployment",
        "currentServiceRevisions",
        "deployments",
        "events",
        "pendingCount",
        "platformFamily",
        "resourceManagementType",
        "roleArn",
        "runningCount",
        "serviceArn",
        "status",
        "taskSets",
    ],
};

/// What `UpdateService` does not take.
pub const CREATE_ONLY: [&str; 3] = ["launchType", "role", "schedulingStrategy"];
