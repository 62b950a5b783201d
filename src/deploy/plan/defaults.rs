//! What AWS fills in where a request says nothing, as its API reference has it, and how its lists compare.

use serde_json::Value;

/// Path, without places in lists, and the value as JSON.
pub type Defaults = &'static [(&'static str, &'static str)];

pub const TASK: Defaults = &[
    ("containerDefinitions.cpu", "0"),
    ("containerDefinitions.essential", "true"),
    ("containerDefinitions.healthCheck.interval", "30"),
    ("containerDefinitions.healthCheck.retries", "3"),
    ("containerDefinitions.healthCheck.startPeriod", "0"),
    ("containerDefinitions.healthCheck.timeout", "5"),
    ("containerDefinitions.disableNetworking", "false"),
    ("containerDefinitions.interactive", "false"),
    (
        "containerDefinitions.linuxParameters.initProcessEnabled",
        "false",
    ),
    ("containerDefinitions.mountPoints.readOnly", "false"),
    ("containerDefinitions.portMappings.protocol", "\"tcp\""),
    ("containerDefinitions.privileged", "false"),
    ("containerDefinitions.pseudoTerminal", "false"),
    ("containerDefinitions.readonlyRootFilesystem", "false"),
    (
        "containerDefinitions.restartPolicy.restartAttemptPeriod",
        "300",
    ),
    ("containerDefinitions.versionConsistency", "\"enabled\""),
    ("containerDefinitions.volumesFrom.readOnly", "false"),
    ("enableFaultInjection", "false"),
    ("networkMode", "\"bridge\""),
    ("runtimePlatform.cpuArchitecture", "\"X86_64\""),
    ("runtimePlatform.operatingSystemFamily", "\"LINUX\""),
    ("volumes.configuredAtLaunch", "false"),
    ("volumes.dockerVolumeConfiguration.autoprovision", "false"),
    ("volumes.dockerVolumeConfiguration.driver", "\"local\""),
    ("volumes.dockerVolumeConfiguration.scope", "\"task\""),
    (
        "volumes.efsVolumeConfiguration.authorizationConfig.iam",
        "\"DISABLED\"",
    ),
    ("volumes.efsVolumeConfiguration.rootDirectory", "\"/\""),
    (
        "volumes.efsVolumeConfiguration.transitEncryption",
        "\"DISABLED\"",
    ),
];

/// `availabilityZoneRebalancing` is not among them: what it is without a word depends on the service's age.
pub const SERVICE: Defaults = &[
    ("capacityProviderStrategy.base", "0"),
    ("capacityProviderStrategy.weight", "0"),
    ("deploymentConfiguration.alarms.enable", "false"),
    ("deploymentConfiguration.alarms.rollback", "false"),
    ("deploymentConfiguration.bakeTimeInMinutes", "0"),
    (
        "deploymentConfiguration.deploymentCircuitBreaker.enable",
        "false",
    ),
    (
        "deploymentConfiguration.deploymentCircuitBreaker.rollback",
        "false",
    ),
    ("deploymentConfiguration.maximumPercent", "200"),
    ("deploymentConfiguration.minimumHealthyPercent", "100"),
    ("deploymentConfiguration.strategy", "\"ROLLING\""),
    ("deploymentController.type", "\"ECS\""),
    ("enableECSManagedTags", "false"),
    ("enableExecuteCommand", "false"),
    ("healthCheckGracePeriodSeconds", "0"),
    ("launchType", "\"EC2\""),
    (
        "networkConfiguration.awsvpcConfiguration.assignPublicIp",
        "\"DISABLED\"",
    ),
    ("platformVersion", "\"LATEST\""),
    ("propagateTags", "\"NONE\""),
    ("schedulingStrategy", "\"REPLICA\""),
];

/// Of a service with one task for each node.
pub const DAEMON: Defaults = &[
    ("deploymentConfiguration.maximumPercent", "100"),
    ("deploymentConfiguration.minimumHealthyPercent", "0"),
];

/// The value that is meant where there is none.
pub fn of(tables: &[Defaults], path: &str) -> Option<Value> {
    let mut rows = tables.iter().flat_map(|table| table.iter());
    let (_, value) = rows.find(|(known, _)| *known == path)?;
    serde_json::from_str(value).ok()
}

/// Lists whose items are known by one or several of their members; their order means nothing.
const KEYED: [(&str, &[&str]); 20] = [
    ("capacityProviderStrategy", &["capacityProvider"]),
    ("containerDefinitions", &["name"]),
    ("dependsOn", &["containerName"]),
    ("environment", &["name"]),
    ("extraHosts", &["hostname"]),
    ("inferenceAccelerators", &["deviceName"]),
    (
        "loadBalancers",
        &[
            "targetGroupArn",
            "loadBalancerName",
            "containerName",
            "containerPort",
        ],
    ),
    ("mountPoints", &["containerPath"]),
    (
        "portMappings",
        &["containerPort", "containerPortRange", "protocol"],
    ),
    ("properties", &["name"]),
    ("resourceRequirements", &["type"]),
    ("secretOptions", &["name"]),
    ("secrets", &["name"]),
    (
        "serviceRegistries",
        &["registryArn", "containerName", "containerPort"],
    ),
    ("systemControls", &["namespace"]),
    ("tags", &["key"]),
    ("ulimits", &["name"]),
    ("volumeConfigurations", &["name"]),
    ("volumes", &["name"]),
    ("volumesFrom", &["sourceContainer"]),
];

/// Lists of whole values whose order means nothing.
const SETS: [&str; 8] = [
    "add",
    "alarmNames",
    "drop",
    "ignoredExitCodes",
    "placementConstraints",
    "requiresCompatibilities",
    "securityGroups",
    "subnets",
];

/// The members by which a list's items are known.
pub fn keys(list: &str) -> Option<&'static [&'static str]> {
    let found = KEYED.iter().find(|(known, _)| *known == list);
    found.map(|(_, keys)| *keys)
}

/// Whether the order of a list's items means nothing.
pub fn is_set(list: &str) -> bool {
    SETS.contains(&list)
}
