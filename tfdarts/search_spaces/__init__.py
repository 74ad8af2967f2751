"""Search spaces: nodes, edges, primitives and the derivation rule."""
