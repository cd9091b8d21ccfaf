//! pom.xml.

use super::{Lines, Read, manifest, registries, xml};
use crate::depend::entry::{Entry, System};
use roxmltree::Node;

pub(super) fn pom(_: &str, text: &str) -> Result<Read, String> {
    let document = xml::parse(text)?;
    let lines = Lines::of(text);
    let mut found = Vec::new();
    for node in document.descendants().filter(Node::is_element) {
        let line = lines.at(node.range().start);
        match node.tag_name().name() {
            "dependency" => found.extend(artifact(node, line, "")),
            "plugin" => found.extend(artifact(node, line, "org.apache.maven.plugins")),
            "extension" | "annotationProcessorPath" | "path" | "parent" => found.extend(artifact(node, line, "")),
            "repository" | "pluginRepository" | "mirror" if !xml::is_within(node, "distributionManagement") => {
                found.extend(xml::child(node, "url").and_then(|url| registries::registry(System::Maven, url, line)));
            }
            _ => {}
        }
    }
    manifest(found)
}

/// `groupId:artifactId`; a module of the same project is inherited.
fn artifact(node: Node<'_, '_>, line: usize, group_id: &str) -> Option<Entry> {
    let artifact = xml::child(node, "artifactId")?;
    let group_id = xml::child(node, "groupId").unwrap_or(group_id);
    let tag = node.tag_name().name();
    let managed = if xml::is_within(node, "dependencyManagement") { "Management" } else { "" };
    let entry = Entry::package(System::Maven, format!("{group_id}:{artifact}"), line).group(format!("{tag}{managed}"));
    let own = matches!(group_id, "${project.groupId}" | "${groupId}" | "${pom.groupId}");
    let path = xml::child(node, "systemPath").map(|path| format!("path {path}"));
    let source = path.or_else(|| own.then(|| "inherited".to_owned())).unwrap_or_default();
    Some(entry.version(xml::child(node, "version").unwrap_or_default()).source(source))
}
