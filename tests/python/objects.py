"""Writes and reads objects with AWS's own encryption client for Python, in version 3.
Usage: python3 objects.py <orders.json; orders and answers are those of tests/ruby/objects.rb, without
"version" and "place". AWS's endpoint is in $AWS_ENDPOINT_URL."""
import base64, json, os, sys
import boto3
from s3_encryption import S3EncryptionClient, S3EncryptionClientConfig
from s3_encryption.materials.kms_keyring import KmsKeyring

own = {"endpoint_url": os.environ["AWS_ENDPOINT_URL"], "region_name": "us-east-1",
       "aws_access_key_id": "AKIDTEST", "aws_secret_access_key": "secret"}
keyring = KmsKeyring(boto3.client("kms", **own), "alias/fixed")
client = S3EncryptionClient(boto3.client("s3", **own), S3EncryptionClientConfig(keyring=keyring))

def obey(order):
    place = {"Bucket": "bucket", "Key": order["key"]}
    if order["context"]:
        place["EncryptionContext"] = order["context"]
    if order["verb"] == "put":
        client.put_object(Body=base64.b64decode(order["content"]), **place)
        return {}
    content = client.get_object(**place)["Body"].read()
    return {"content": base64.b64encode(content).decode()}

def answer(order):
    try:
        return obey(order)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}

print(json.dumps([answer(order) for order in json.load(sys.stdin)]))
