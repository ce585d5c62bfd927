//! How a bucket goes: S3 deletes only empty ones.

use crate::aws::error::classify;
use crate::resource::{Class, Cx, Failure, Found as _, Result};
use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{Delete, MultipartUpload, ObjectIdentifier};
use futures::future::join;
use futures::stream::{self, TryStreamExt as _};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many batches of a thousand versions are deleted at a time.
const BATCHES: usize = 8;

/// How often a bucket is emptied before somebody else's writing is blamed.
const PASSES: usize = 10;

/// Deletes a bucket and all that is in it. It tries the bucket first: most
/// that are deleted are empty.
pub(super) async fn remove(name: &str, cx: &Cx) -> Result<()> {
    let deleted = AtomicUsize::new(0);
    for _ in 0..PASSES {
        let request = cx.s3().delete_bucket().bucket(name);
        match cx.mutate("s3:DeleteBucket", || request.clone().send()).await.found() {
            Err(failure) if failure.is_code(&["BucketNotEmpty"]) => {}
            answer => return answer.map(drop),
        }
        let (versions, uploads) =
            join(delete_versions(name, &deleted, cx), abort_uploads(name, cx)).await;
        versions.and(uploads)?;
    }
    Err(Failure::refused(format!(
        "{name} fills up while it is emptied ({} versions deleted so far): stop what writes to it, then destroy again",
        deleted.load(Ordering::Relaxed)
    )))
}

/// Deletes every version and delete marker that one listing shows.
async fn delete_versions(name: &str, deleted: &AtomicUsize, cx: &Cx) -> Result<()> {
    let pages = stream::try_unfold(Some((None, None)), |from| async move {
        let Some((key, version)) = from else { return Ok(None) };
        let page = list_versions(name, key, version, cx).await?;
        let more = page.is_truncated.unwrap_or(false);
        let next =
            more.then(|| (page.next_key_marker.clone(), page.next_version_id_marker.clone()));
        Ok(Some((identifiers(&page)?, next)))
    });
    pages
        .try_for_each_concurrent(BATCHES, |batch| async move {
            let size = batch.len();
            if size == 0 {
                return Ok(());
            }
            delete_batch(name, batch, cx).await?;
            let total = deleted.fetch_add(size, Ordering::Relaxed) + size;
            cx.progress(&format!("{total} versions deleted from {name}"));
            Ok(())
        })
        .await
}

async fn list_versions(
    name: &str,
    key: Option<String>,
    version: Option<String>,
    cx: &Cx,
) -> Result<ListObjectVersionsOutput> {
    let request = cx
        .s3()
        .list_object_versions()
        .bucket(name)
        .set_key_marker(key)
        .set_version_id_marker(version);
    cx.observe("s3:ListObjectVersions", || request.clone().send()).await
}

fn identifiers(page: &ListObjectVersionsOutput) -> Result<Vec<ObjectIdentifier>> {
    let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
    let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
    let identifier = |(key, version): (Option<&str>, Option<&str>)| {
        Ok(ObjectIdentifier::builder()
            .key(key.unwrap_or_default())
            .set_version_id(version.map(str::to_owned))
            .build()?)
    };
    versions.chain(markers).map(identifier).collect()
}

async fn delete_batch(name: &str, batch: Vec<ObjectIdentifier>, cx: &Cx) -> Result<()> {
    let delete = Delete::builder().set_objects(Some(batch)).quiet(true).build()?;
    let request = cx.s3().delete_objects().bucket(name).delete(delete);
    let answer = cx.mutate("s3:DeleteObjects", || request.clone().send()).await?;
    refusal(&answer).map_or(Ok(()), Err)
}

/// Returns the first version that S3 will not delete. What failed for now is
/// there again in the next listing.
fn refusal(answer: &DeleteObjectsOutput) -> Option<Failure> {
    answer.errors().iter().find_map(|error| {
        let (code, words) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
        let class = classify(code, words, 200);
        let passes = class.is_temporary() || class == Class::Gone;
        (!passes).then(|| {
            let key = error.key().unwrap_or_default();
            let mut failure = Failure::local(class, format!("{key} cannot be deleted: {words}"));
            failure.code = Some(code.to_owned());
            failure.of("s3:DeleteObjects")
        })
    })
}

async fn abort_uploads(name: &str, cx: &Cx) -> Result<()> {
    let (mut key, mut upload) = (None, None);
    loop {
        let request = cx
            .s3()
            .list_multipart_uploads()
            .bucket(name)
            .set_key_marker(key)
            .set_upload_id_marker(upload);
        let page = cx.observe("s3:ListMultipartUploads", || request.clone().send()).await?;
        stream::iter(page.uploads.unwrap_or_default().into_iter().map(Ok))
            .try_for_each_concurrent(BATCHES, |upload| abort(name, upload, cx))
            .await?;
        if page.is_truncated != Some(true) {
            return Ok(());
        }
        (key, upload) = (page.next_key_marker, page.next_upload_id_marker);
    }
}

async fn abort(name: &str, upload: MultipartUpload, cx: &Cx) -> Result<()> {
    let request = cx
        .s3()
        .abort_multipart_upload()
        .bucket(name)
        .set_key(upload.key)
        .set_upload_id(upload.upload_id);
    match cx.mutate("s3:AbortMultipartUpload", || request.clone().send()).await {
        Err(failure) if failure.is_code(&["NoSuchUpload"]) => Ok(()),
        answer => answer.map(drop),
    }
}
