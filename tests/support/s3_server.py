"""An S3 server on a free port of this machine that verifies signatures, for one test.

Prints one line of JSON (endpoint, region, bucket and keys) once it answers, and ends when its standard input closes,
so that it never outlives the test that started it.
"""

import json
import logging
import os
import sys

# Each of these calls is answered without looking at its signature; all that follow must be signed with the key made here.
SETUP_CALLS = 3
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(SETUP_CALLS)

import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

REGION = "us-east-1"
BUCKET = "lago"


def make_key(endpoint: str) -> dict[str, str]:
    """Makes a user who may do everything; returns the user's access key. Takes exactly SETUP_CALLS calls."""
    iam = boto3.client(
        "iam", endpoint_url=endpoint, region_name=REGION, aws_access_key_id="setup", aws_secret_access_key="setup"
    )
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.create_user(UserName="cauce")
    iam.put_user_policy(UserName="cauce", PolicyName="everything", PolicyDocument=json.dumps(everything))
    return iam.create_access_key(UserName="cauce")["AccessKey"]


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    key = make_key(endpoint)
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    s3.create_bucket(Bucket=BUCKET)
    access = {
        "endpoint": endpoint,
        "region": REGION,
        "bucket": BUCKET,
        "access_key_id": key["AccessKeyId"],
        "secret_access_key": key["SecretAccessKey"],
    }
    print(json.dumps(access), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
