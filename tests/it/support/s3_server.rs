//! An S3 server of the test's own, on a free port, that verifies every signature.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use object_store::aws::{AmazonS3, AmazonS3Builder};
use serde::Deserialize;

use super::python;

/// A running server with one empty bucket, ended when dropped.
pub(crate) struct S3Server {
    process: Child,
    access: Access,
}

/// How to reach the server, as its script prints it.
#[derive(Deserialize)]
struct Access {
    endpoint: String,
    region: String,
    bucket: String,
    access_key_id: String,
    secret_access_key: String,
}

impl S3Server {
    /// Starts a server and waits until it answers.
    pub(crate) fn start() -> Self {
        let mut process = python::script("s3_server.py")
            .stdin(Stdio::piped()) // the script ends when this pipe closes: with the test, however it ends
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let access = serde_json::from_str(&line).unwrap_or_else(|error| panic!("s3_server.py said {line:?}: {error}"));
        Self { process, access }
    }

    /// The URL of the bucket: `s3://…`.
    pub(crate) fn url(&self) -> String {
        format!("s3://{}", self.access.bucket)
    }

    /// The `stores:` section of a catalog that reaches this server.
    pub(crate) fn catalog_section(&self) -> String {
        let (url, endpoint, region) = (self.url(), &self.access.endpoint, &self.access.region);
        format!("stores:\n  {url}: {{ region: {region}, endpoint: \"{endpoint}\", allow_http: true }}\n")
    }

    /// The credentials as the environment carries them.
    pub(crate) fn environment(&self) -> [(&'static str, &str); 2] {
        [("AWS_ACCESS_KEY_ID", &self.access.access_key_id), ("AWS_SECRET_ACCESS_KEY", &self.access.secret_access_key)]
    }

    /// A client that is not cauce's, to put files there and to look at what cauce left.
    pub(crate) fn client(&self) -> AmazonS3 {
        self.client_with_secret(&self.access.secret_access_key)
    }

    fn client_with_secret(&self, secret: &str) -> AmazonS3 {
        AmazonS3Builder::new()
            .with_endpoint(&self.access.endpoint)
            .with_allow_http(true)
            .with_region(&self.access.region)
            .with_bucket_name(&self.access.bucket)
            .with_access_key_id(&self.access.access_key_id)
            .with_secret_access_key(secret)
            .build()
            .unwrap()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[tokio::test]
async fn the_server_keeps_objects_and_refuses_a_wrong_secret() {
    use object_store::{ObjectStore as _, ObjectStoreExt as _, PutMode, PutPayload, path::Path};

    let server = S3Server::start();
    let (key, payload) = (Path::from("raw/reseña=1/a b.csv"), PutPayload::from_static(b"a\n1\n"));
    let client = server.client();
    client.put(&key, payload.clone()).await.unwrap();
    assert_eq!(client.get(&key).await.unwrap().bytes().await.unwrap(), "a\n1\n");

    let stranger = server.client_with_secret("not the secret");
    let refused = stranger.get(&key).await.unwrap_err().to_string();
    assert!(refused.contains("SignatureDoesNotMatch") || refused.contains("403"), "{refused}");

    let second = client.put_opts(&key, payload, PutMode::Create.into()).await.unwrap_err();
    assert!(matches!(second, object_store::Error::AlreadyExists { .. }), "{second}");
}
