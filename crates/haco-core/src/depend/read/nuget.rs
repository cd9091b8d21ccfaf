//! MSBuild projects and their shared properties, packages.config, nuget.config and dotnet-tools.json.

use super::{Lines, Read, json, manifest, registries, xml};
use crate::depend::entry::{Entry, System, What};
use roxmltree::Node;

const REFERENCES: [&str; 4] =
    ["PackageReference", "PackageVersion", "GlobalPackageReference", "DotNetCliToolReference"];

pub(super) fn project(_: &str, text: &str) -> Result<Read, String> {
    let document = xml::parse(text)?;
    let lines = Lines::of(text);
    let mut found = Vec::new();
    for node in document.descendants().filter(Node::is_element) {
        let line = lines.at(node.range().start);
        let tag = node.tag_name().name();
        match tag {
            tag if REFERENCES.contains(&tag) => found.extend(reference(node, line)),
            "package" => {
                let version = node.attribute("version").unwrap_or_default();
                found.extend(node.attribute("id").map(|id| package(id, version, tag, line)));
            }
            "add" if xml::is_within(node, "packageSources") => {
                let place = node.attribute("value");
                found.extend(place.and_then(|url| registries::registry(System::Nuget, url, line)));
            }
            "RestoreSources" | "RestoreAdditionalProjectSources" => {
                let places = node.text().unwrap_or_default().split(';').map(str::trim).filter(|p| p.contains("://"));
                found.extend(places.filter_map(|url| registries::registry(System::Nuget, url, line)));
            }
            "Exec" => {
                let command = node.attribute("Command").unwrap_or_default();
                let entry = Entry::package(System::Nuget, format!("Exec {command}"), line);
                found.push(entry.what(What::Script).version(command));
            }
            _ => {}
        }
    }
    manifest(found)
}

/// A reference that only gives a version to a package of other projects has `Update` instead of `Include`.
fn reference(node: Node<'_, '_>, line: usize) -> Option<Entry> {
    let name = node.attribute("Include").or_else(|| node.attribute("Update"))?;
    let version =
        ["Version", "VersionOverride"].iter().find_map(|key| node.attribute(*key).or_else(|| xml::child(node, key)));
    Some(package(name, version.unwrap_or_default(), node.tag_name().name(), line))
}

fn package(name: &str, version: &str, group: &str, line: usize) -> Entry {
    Entry::package(System::Nuget, name, line).group(group).version(version)
}

pub(super) fn tools(_: &str, text: &str) -> Result<Read, String> {
    let doc = json::parse(text)?;
    let tools = doc.object(&["tools"]).into_iter().flatten();
    manifest(
        tools
            .map(|(name, tool)| {
                let version = tool.get("version").and_then(|v| v.as_str()).unwrap_or_default();
                package(name, version, "tools", doc.line("tools", name))
            })
            .collect(),
    )
}
