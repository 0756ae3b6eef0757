"""Pictures of graphs: facts, a layered layout, SVG and HTML."""
