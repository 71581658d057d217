//! Opening stores, each once.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafusion::common::DataFusionError;
use datafusion::execution::object_store::ObjectStoreRegistry;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use super::Location;
use crate::catalog::StoreSettings;
use crate::error::{Error, Result};

/// Opens stores and keeps them open: every room that reads or writes bytes asks here, the SQL engine too.
pub struct Stores {
    settings: BTreeMap<String, StoreSettings>,
    open: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
}

impl Stores {
    /// Stores reached with the settings of `catalog.yaml`; credentials come from the environment.
    #[must_use]
    pub fn new(settings: BTreeMap<String, StoreSettings>) -> Self {
        Self { settings, open: Mutex::default() }
    }

    /// The store of a location.
    ///
    /// # Errors
    /// Settings the store's client does not accept.
    pub fn open(&self, location: &Location) -> Result<Arc<dyn ObjectStore>> {
        self.open_url(location.store_url())
    }

    /// Uses `store` for everything under `url`: for tests that inject faults.
    pub fn put(&self, url: &Url, store: Arc<dyn ObjectStore>) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(key(url), store);
    }

    fn open_url(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = open.get(&key(url)) {
            return Ok(Arc::clone(store));
        }
        let store: Arc<dyn ObjectStore> = match url.scheme() {
            "file" => Arc::new(LocalFileSystem::new()),
            "s3" => self.open_s3(url)?,
            scheme => {
                return Err(Error::usage(format!("stores of the kind `{scheme}://` cannot be opened"))
                    .hint("use a path on this machine or s3://bucket/path"));
            }
        };
        open.insert(key(url), Arc::clone(&store));
        Ok(store)
    }

    fn open_s3(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let bucket = url.host_str().unwrap_or_default();
        let settings = self.settings.get(&format!("s3://{bucket}")).cloned().unwrap_or_default();
        // A person waits for the answer: give up after half a minute instead of the client's three.
        let retry = RetryConfig { max_retries: 6, retry_timeout: Duration::from_secs(30), ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry);
        if let Some(region) = settings.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = settings.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if settings.allow_http {
            builder = builder.with_client_options(ClientOptions::new().with_allow_http(true)).with_allow_http(true);
        }
        let store = builder.build().map_err(|failure| {
            Error::usage(format!("the store s3://{bucket} cannot be opened: {failure}"))
                .hint("check its entry in `stores:` of catalog.yaml and the AWS_… variables")
        })?;
        Ok(Arc::new(store))
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The engine finds stores here and only here.
impl ObjectStoreRegistry for Stores {
    fn register_store(&self, url: &Url, store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(key(url), store)
    }

    fn deregister_store(&self, url: &Url) -> datafusion::common::Result<Arc<dyn ObjectStore>> {
        let removed = self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(url));
        removed.ok_or_else(|| DataFusionError::Execution(format!("no store is open for {url}")))
    }

    fn get_store(&self, url: &Url) -> datafusion::common::Result<Arc<dyn ObjectStore>> {
        self.open_url(url).map_err(|error| DataFusionError::External(Box::new(error)))
    }
}

/// What makes two URLs the same store: scheme and bucket.
fn key(url: &Url) -> String {
    format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default())
}
