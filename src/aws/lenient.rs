//! Answers that only an emulator writes, mended before the SDK reads them.
//!
//! MiniStack writes the switches of a Route 53 health check as `True` and
//! `False`. XML knows `true` and `false` only, so the SDK refuses the whole
//! answer, and a health check that was made would count as failed.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

/// Returns a client that reads switches in any case.
pub(super) fn lenient(client: SharedHttpClient) -> SharedHttpClient {
    SharedHttpClient::new(Lenient(client))
}

#[derive(Debug)]
struct Lenient<T>(T);

impl HttpClient for Lenient<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Lenient(self.0.http_connector(settings, components)))
    }
}

impl HttpConnector for Lenient<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let mut answer = answer.await?;
            let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
            let body = ByteStream::new(body).collect().await;
            let body = body.map_err(|error| ConnectorError::io(error.into()))?.to_vec();
            *answer.body_mut() = SdkBody::from(mended(body));
            Ok(answer)
        })
    }
}

fn mended(body: Vec<u8>) -> Vec<u8> {
    match String::from_utf8(body) {
        Ok(text) => text.replace(">True<", ">true<").replace(">False<", ">false<").into_bytes(),
        Err(error) => error.into_bytes(),
    }
}
