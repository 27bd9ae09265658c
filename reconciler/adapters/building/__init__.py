"""What builds images, behind one port: BuildKit, the classic builder, buildah, buildctl."""
