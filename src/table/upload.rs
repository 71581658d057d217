//! Writing data files so that a failed upload is told as it was.
//!
//! The Delta writer wraps the failure of an upload in text, and its clean-up after one panics inside `BufWriter::abort`.
//! So the store handed to it takes every write, remembers the first failure and undoes a multipart upload that cannot
//! be finished; whoever writes asks [`Uploads::outcome`] before believing that a file is there.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error as StoreFailure, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as StoreResult, UploadPart,
};

/// A store for the data files of one table.
#[derive(Debug)]
pub(super) struct Uploads {
    store: Arc<dyn ObjectStore>,
    failure: Failure,
}

/// The first failure of any upload.
#[derive(Debug, Clone, Default)]
struct Failure(Arc<Mutex<Option<StoreFailure>>>);

impl Uploads {
    pub(super) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, failure: Failure::default() }
    }

    /// The first failure since the last time somebody asked, or nothing if all files are where they should be.
    pub(super) fn outcome(&self) -> StoreResult<()> {
        let failure = self.failure.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), Err)
    }
}

impl Failure {
    fn keep(&self, failure: StoreFailure) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
    }

    fn is_set(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

impl fmt::Display for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uploads({})", self.store)
    }
}

/// What the writer is told of a file that may not be there.
fn nothing_known() -> PutResult {
    PutResult { e_tag: None, version: None }
}

#[async_trait]
impl ObjectStore for Uploads {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> StoreResult<PutResult> {
        Ok(self.store.put_opts(location, payload, opts).await.unwrap_or_else(|failure| {
            self.failure.keep(failure);
            nothing_known()
        }))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        let upload = match self.store.put_multipart_opts(location, opts).await {
            Ok(upload) => Some(upload),
            Err(failure) => {
                self.failure.keep(failure);
                None
            }
        };
        Ok(Box::new(Upload { upload, failure: self.failure.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> StoreResult<GetResult> {
        self.store.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, StoreResult<Path>>) -> BoxStream<'static, StoreResult<Path>> {
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.store.copy_opts(from, to, options).await
    }
}

/// A file sent in parts; none if it could not even be begun.
#[derive(Debug)]
struct Upload {
    upload: Option<Box<dyn MultipartUpload>>,
    failure: Failure,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        // After a failure the rest of the file is of no use to anybody.
        let part = self.upload.as_mut().filter(|_| !self.failure.is_set()).map(|upload| upload.put_part(data));
        let kept = self.failure.clone();
        Box::pin(async move {
            if let Some(Err(failure)) = match part {
                Some(part) => Some(part.await),
                None => None,
            } {
                kept.keep(failure);
            }
            Ok(())
        })
    }

    async fn complete(&mut self) -> StoreResult<PutResult> {
        let Some(upload) = self.upload.as_mut() else { return Ok(nothing_known()) };
        if !self.failure.is_set() {
            match upload.complete().await {
                Ok(result) => return Ok(result),
                Err(failure) => self.failure.keep(failure),
            }
        }
        // Parts that nobody completes cost space; failing to remove them changes nothing about what is told.
        upload.abort().await.ok();
        Ok(nothing_known())
    }

    async fn abort(&mut self) -> StoreResult<()> {
        match self.upload.as_mut() {
            Some(upload) => upload.abort().await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;
    use object_store::local::LocalFileSystem;

    use super::*;

    #[tokio::test]
    async fn the_first_failure_is_kept_and_told_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("archivo"), "").unwrap();
        let uploads = Uploads::new(Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap()));
        uploads.put(&Path::from("a/1.parquet"), PutPayload::from_static(b"x")).await.unwrap();
        uploads.outcome().unwrap();

        // A file stands where the folder should be.
        uploads.put(&Path::from("archivo/1.parquet"), PutPayload::from_static(b"x")).await.unwrap();
        let mut upload = uploads.put_multipart(&Path::from("archivo/2.parquet")).await.unwrap();
        upload.put_part(PutPayload::from_static(b"x")).await.unwrap();
        upload.complete().await.unwrap();
        let failure = uploads.outcome().unwrap_err().to_string();
        assert!(failure.contains("1.parquet") || failure.contains("archivo"), "{failure}");
        uploads.outcome().unwrap();
    }
}
