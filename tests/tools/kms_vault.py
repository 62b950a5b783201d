"""Encrypts the values of a yaml_vault file with the cryptor aws-kms, as FILE -> OUT; all else stays byte for byte.

Usage: python3 kms_vault.py KEY_ID TOP_LEVEL_KEY FILE OUT      (endpoint, region and keys by AWS's variables)
"""
import base64
import json
import sys

import boto3
import yaml

key_id, environment, source, target = sys.argv[1:]
kms = boto3.client("kms")


def scalars(node):
    if isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from scalars(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from scalars(item)
    else:
        yield node


with open(source) as file:
    text = file.read()
top = next(value for key, value in yaml.compose(text).value if key.value == environment)
# From the end, so that the places before stay right.
for node in sorted(scalars(top), key=lambda node: -node.start_mark.index):
    # A JSON string in ASCII is a quoted YAML scalar, too.
    dump = f"--- {json.dumps(node.value)}\n".encode()
    message = base64.b64encode(kms.encrypt(KeyId=key_id, Plaintext=dump)["CiphertextBlob"]).decode()
    if node.style is not None:
        message = f'"{message}"'
    start, end = node.start_mark.index, node.end_mark.index
    message += "\n" if text[start:end].endswith("\n") else ""
    text = text[:start] + message + text[end:]
with open(target, "w") as file:
    file.write(text)
