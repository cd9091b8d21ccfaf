//! Which certificate authorities are believed: the file that `SSL_CERT_FILE` names, else the system's, else those that
//! came with the program.

use std::path::Path;

use haco_core::code::Code;
use ureq::tls::{PemItem, RootCerts, parse_pem};

use crate::endpoint::Endpoint;
use crate::failed::Failed;

/// Where systems keep their bundle (Debian, Fedora, SUSE, Alpine and the BSDs).
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];

/// Certificates as the library has them.
pub(crate) type Roots = RootCerts;

/// The roots for this endpoint; a file that was named and cannot be used is a failure, not a reason to believe others.
pub(crate) fn roots(endpoint: &Endpoint) -> Result<RootCerts, Box<Failed>> {
    if let Some(roots) = &endpoint.roots {
        return Ok(roots.clone());
    }
    match &endpoint.cert_file {
        _ if !endpoint.base_url.is_https() => Ok(RootCerts::WebPki),
        Some(file) => read(file).map_err(|why| {
            Failed::for_good(endpoint, Code::Tls, format!("cannot use certificates from '{}': {why}", file.display()))
        }),
        None => Ok(BUNDLES.iter().find_map(|file| read(Path::new(file)).ok()).unwrap_or(RootCerts::WebPki)),
    }
}

fn read(file: &Path) -> Result<RootCerts, String> {
    let pem = std::fs::read(file).map_err(|error| error.to_string())?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() { Err("it holds none".to_owned()) } else { Ok(RootCerts::from(certificates)) }
}
