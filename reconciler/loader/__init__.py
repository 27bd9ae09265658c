"""Bytes of a workspace to models, with places. Opens files, judges nothing but their form."""
