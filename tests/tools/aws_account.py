"""Fills a fresh moto with what the demo's app has on AWS, then has moto check every call's signature and permission.

Usage: python3 aws_account.py ENDPOINT FILE BUCKET/KEY FOLDER

Makes a KMS key under alias/myapp, puts FILE into a bucket, and makes two who may do no more than they need: the
developer encrypts with that key (FOLDER/developer.env has the access key), the task's role decrypts with it and reads
that object (FOLDER/role.json has what ECS's endpoint says of it).
"""
import json
import os
import sys
import urllib.request

import boto3

endpoint, file, place, folder = sys.argv[1:]
bucket, _, name = place.partition("/")
session = boto3.Session(aws_access_key_id="admin", aws_secret_access_key="admin", region_name="us-east-1")
kms, s3, iam, sts = (session.client(service, endpoint_url=endpoint) for service in ("kms", "s3", "iam", "sts"))


def policy(*allowed, **more):
    statements = [{"Effect": "Allow", "Action": action, **resource, **more} for action, resource in allowed]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def write(name, text):
    with open(os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)


key = kms.create_key(Description="the secrets of myapp")["KeyMetadata"]["Arn"]
kms.create_alias(AliasName="alias/myapp", TargetKeyId=key)
print(f"key alias/myapp is {key}")
s3.create_bucket(Bucket=bucket)
s3.upload_file(file, bucket, name)
print(f"object s3://{place} has {os.path.getsize(file)} bytes")

# moto compares an object's ARN, but of KMS calls only the action; on AWS the key's ARN stands here.
any_key = {"Resource": "*"}
iam.create_user(UserName="developer")
iam.put_user_policy(UserName="developer", PolicyName="vault", PolicyDocument=policy(("kms:Encrypt", any_key)))
given = iam.create_access_key(UserName="developer")["AccessKey"]
write("developer.env", f"AWS_ACCESS_KEY_ID={given['AccessKeyId']}\nAWS_SECRET_ACCESS_KEY={given['SecretAccessKey']}\n")
print("user developer may kms:Encrypt")

trust = policy(("sts:AssumeRole", {}), Principal={"Service": "ecs-tasks.amazonaws.com"})
role = iam.create_role(RoleName="myapp-task", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
allowed = policy(("kms:Decrypt", any_key), ("s3:GetObject", {"Resource": f"arn:aws:s3:::{place}"}))
iam.put_role_policy(RoleName="myapp-task", PolicyName="boot", PolicyDocument=allowed)
given = sts.assume_role(RoleArn=role, RoleSessionName="task")["Credentials"]
answer = {
    "RoleArn": role,
    "AccessKeyId": given["AccessKeyId"],
    "SecretAccessKey": given["SecretAccessKey"],
    "Token": given["SessionToken"],
    "Expiration": given["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
}
write("role.json", json.dumps(answer))
print("role myapp-task may kms:Decrypt, s3:GetObject of that object; nobody else may anything from here on")

checks = urllib.request.Request(f"{endpoint}/moto-api/reset-auth", b"0", {"Content-Type": "application/octet-stream"})
urllib.request.urlopen(checks).close()
