// Places the nodes of a directed graph in rows, so that most edges go down and few cross.
//
// After Sugiyama: cycles are broken, rows are longest paths from the first node, edges that pass rows get a point in
// each, rows are ordered by barycenters, and points are moved towards what they are connected to. Rows that would be
// too wide become several.
#pragma once

#include <cstddef>
#include <vector>

namespace tenon::cli {

struct LayeredNode {
  double width = 0;
  // Where its center comes.
  double x = 0;
  size_t row = 0;
};

struct LayeredEdge {
  size_t from;
  size_t to;
  /// One that is not drawn counts for the rows, and for nothing else.
  bool is_drawn = true;
  /// Whether it was turned around to break a cycle: it goes up.
  bool is_reversed = false;
  /// x in each row that it passes, in the order of the rows from the upper node to the lower one.
  std::vector<double> passes;
};

struct LayeredOptions {
  double node_gap = 16;
  double edge_gap = 6;       ///< between edges that pass a row
  double widest_row = 1600;  ///< of nodes alone; edges that pass come on top of it
};

struct LayeredSize {
  double width = 0;
  size_t rows = 0;
};

/// Fills in places, from x = 0 on. Node 0 is the root; nodes that it does not reach come into the first row below it.
/// Edges must not begin and end at the same node.
LayeredSize place_in_layers(std::vector<LayeredNode>& nodes, std::vector<LayeredEdge>& edges,
                            const LayeredOptions& options);

}  // namespace tenon::cli
