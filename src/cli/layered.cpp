#include "cli/layered.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>

namespace tenon::cli {

namespace {

constexpr size_t kMostPasses = 20'000;  ///< points of edges that pass rows; with more of them, edges are straight
constexpr int kOrderSweeps = 12;
constexpr int kPlaceSweeps = 12;

/// One end of an edge as its node sees it.
using Links = std::vector<std::vector<size_t>>;

/// Turns around the edges that close a cycle.
void break_cycles(size_t count, std::vector<LayeredEdge>& edges) {
  Links out(count);
  for (size_t i = 0; i < edges.size(); ++i) {
    out[edges[i].from].push_back(i);
  }
  enum class Mark : uint8_t { none, open, done };
  std::vector<Mark> marks(count, Mark::none);
  std::vector<std::pair<size_t, size_t>> path;  // node, and how many of its edges were followed
  for (size_t start = 0; start < count; ++start) {
    if (marks[start] != Mark::none) {
      continue;
    }
    marks[start] = Mark::open;
    path.emplace_back(start, 0);
    while (!path.empty()) {
      auto& [node, followed] = path.back();
      if (followed == out[node].size()) {
        marks[node] = Mark::done;
        path.pop_back();
        continue;
      }
      LayeredEdge& edge = edges[out[node][followed++]];
      if (marks[edge.to] == Mark::open) {
        edge.is_reversed = true;
      } else if (marks[edge.to] == Mark::none) {
        marks[edge.to] = Mark::open;
        path.emplace_back(edge.to, 0);
      }
    }
  }
}

size_t upper(const LayeredEdge& edge) {
  return edge.is_reversed ? edge.to : edge.from;
}
size_t lower(const LayeredEdge& edge) {
  return edge.is_reversed ? edge.from : edge.to;
}

/// Rows by longest paths from above; then each node without anything above but the root goes down to what it needs.
void rank(std::vector<LayeredNode>& nodes, const std::vector<LayeredEdge>& edges) {
  std::vector<size_t> open(nodes.size());
  Links down(nodes.size());
  for (const LayeredEdge& edge : edges) {
    ++open[lower(edge)];
    down[upper(edge)].push_back(lower(edge));
  }
  std::vector<size_t> ready;
  for (size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].row = i == 0 ? 0 : 1;
    if (open[i] == 0) {
      ready.push_back(i);
    }
  }
  for (size_t i = 0; i < ready.size(); ++i) {
    for (const size_t below : down[ready[i]]) {
      nodes[below].row = std::max(nodes[below].row, nodes[ready[i]].row + 1);
      if (--open[below] == 0) {
        ready.push_back(below);
      }
    }
  }
}

/// What stands in a row: a node, or the point at which an edge passes.
struct Item {
  double width;
  double x = 0;
  size_t row = 0;
  size_t place = 0;  ///< in its row
  std::vector<size_t> above;
  std::vector<size_t> below;
};

class Layers {
 public:
  Layers(std::vector<LayeredNode>& nodes, std::vector<LayeredEdge>& edges, const LayeredOptions& options)
      : nodes_(nodes), edges_(edges), options_(options) {}

  LayeredSize place() {
    break_cycles(nodes_.size(), edges_);
    rank(nodes_, edges_);
    split_rows();
    make_items();
    order();
    move();
    return finish();
  }

 private:
  [[nodiscard]] double gap(const Item& left, const Item& right) const {
    const bool both_nodes = left.width > 0 && right.width > 0;
    return (left.width + right.width) / 2 + (both_nodes ? options_.node_gap : options_.edge_gap);
  }

  /// Makes several rows of those that are too wide. What hangs on one node comes below each other in them, so that
  /// edges stay short.
  void split_rows() {
    std::vector<std::vector<size_t>> by_row(count_rows());
    for (size_t i = 0; i < nodes_.size(); ++i) {
      by_row[nodes_[i].row].push_back(i);
    }
    Links above(nodes_.size());
    for (const LayeredEdge& edge : edges_) {
      if (edge.is_drawn) {
        above[lower(edge)].push_back(upper(edge));
      }
    }
    std::vector<double> places(nodes_.size());  // across its row, from 0 to 1
    size_t row = 0;
    for (std::vector<size_t>& members : by_row) {
      double whole = 0;
      bool has_edges = false;
      for (size_t i = 0; i < members.size(); ++i) {
        const size_t node = members[i];
        whole += nodes_[node].width + options_.node_gap;
        double sum = 0;
        for (const size_t one : above[node]) {
          sum += places[one];
        }
        has_edges |= !above[node].empty();
        places[node] = above[node].empty() ? static_cast<double>(i) / static_cast<double>(members.size())
                                           : sum / static_cast<double>(above[node].size());
      }
      std::ranges::sort(members, {}, [&](size_t node) { return std::pair(places[node], node); });
      const auto parts = static_cast<size_t>(std::max(1.0, std::ceil(whole / options_.widest_row)));
      for (size_t i = 0; i < members.size(); ++i) {
        places[members[i]] = (static_cast<double>(i) + 0.5) / static_cast<double>(members.size());
        nodes_[members[i]].row = row + (has_edges ? i % parts : i * parts / members.size());
      }
      row += parts;
    }
  }

  [[nodiscard]] size_t count_rows() const {
    size_t rows = 0;
    for (const LayeredNode& node : nodes_) {
      rows = std::max(rows, node.row + 1);
    }
    return rows;
  }

  void make_items() {
    size_t passes = 0;
    for (const LayeredEdge& edge : edges_) {
      passes += !edge.is_drawn ? 0 : nodes_[lower(edge)].row - nodes_[upper(edge)].row - 1;
    }
    const bool with_passes = passes <= kMostPasses;
    rows_.resize(count_rows());
    for (const LayeredNode& node : nodes_) {
      add_item(node.width, node.row);
    }
    for (size_t i = 0; i < edges_.size(); ++i) {
      size_t last = upper(edges_[i]);
      first_pass_.push_back(items_.size());
      if (!edges_[i].is_drawn) {
        continue;
      }
      const size_t end = nodes_[lower(edges_[i])].row;
      for (size_t row = nodes_[last].row + 1; with_passes && row < end; ++row) {
        const size_t pass = add_item(0, row);
        connect(last, pass);
        last = pass;
      }
      connect(last, lower(edges_[i]));
    }
    first_pass_.push_back(items_.size());
  }

  size_t add_item(double width, size_t row) {
    const size_t item = items_.size();
    items_.push_back({.width = width, .row = row, .place = rows_[row].size(), .above = {}, .below = {}});
    rows_[row].push_back(item);
    return item;
  }

  void connect(size_t above, size_t below) {
    items_[above].below.push_back(below);
    items_[below].above.push_back(above);
  }

  /// Sorts rows by the mean place of what their items are connected to, downwards and upwards; keeps the best.
  void order() {
    std::vector<std::vector<size_t>> best = rows_;
    size_t least = crossings();
    for (int sweep = 0; sweep < kOrderSweeps && least != 0; ++sweep) {
      const bool downwards = sweep % 2 == 0;
      for (size_t i = 1; i < rows_.size(); ++i) {
        sort_row(downwards ? i : rows_.size() - 1 - i, downwards);
      }
      const size_t now = crossings();
      if (now < least) {
        least = now;
        best = rows_;
      }
    }
    rows_ = std::move(best);
    renumber();
  }

  void sort_row(size_t row, bool by_above) {
    std::vector<std::pair<double, size_t>> keyed;
    for (const size_t item : rows_[row]) {
      const auto& links = by_above ? items_[item].above : items_[item].below;
      double sum = 0;
      for (const size_t link : links) {
        // As a fraction: rows have different lengths.
        sum += (static_cast<double>(items_[link].place) + 0.5) / static_cast<double>(rows_[items_[link].row].size());
      }
      const double own = (static_cast<double>(items_[item].place) + 0.5) / static_cast<double>(rows_[row].size());
      keyed.emplace_back(links.empty() ? own : sum / static_cast<double>(links.size()), item);
    }
    std::ranges::sort(keyed, [&](const auto& a, const auto& b) {
      return a.first != b.first ? a.first < b.first : items_[a.second].place < items_[b.second].place;
    });
    for (size_t i = 0; i < keyed.size(); ++i) {
      rows_[row][i] = keyed[i].second;
      items_[keyed[i].second].place = i;
    }
  }

  void renumber() {
    for (const std::vector<size_t>& row : rows_) {
      for (size_t i = 0; i < row.size(); ++i) {
        items_[row[i]].place = i;
      }
    }
  }

  /// How many pairs of edges cross, between all rows: inversions, counted with a Fenwick tree.
  [[nodiscard]] size_t crossings() const {
    size_t sum = 0;
    std::vector<size_t> tree;
    std::vector<size_t> ends;
    const size_t longest = longest_row();
    for (size_t row = 0; row + 1 < rows_.size(); ++row) {
      tree.assign(longest + 1, 0);
      size_t seen = 0;
      for (const size_t item : rows_[row]) {
        ends.clear();
        for (const size_t below : items_[item].below) {
          if (items_[below].row == row + 1) {
            ends.push_back(items_[below].place);
          }
        }
        for (const size_t end : ends) {
          size_t not_after = 0;
          for (size_t i = end + 1; i != 0; i &= i - 1) {
            not_after += tree[i];
          }
          sum += seen - not_after;
        }
        for (const size_t end : ends) {
          for (size_t i = end + 1; i < tree.size(); i += i & (~i + 1)) {
            ++tree[i];
          }
          ++seen;
        }
      }
    }
    return sum;
  }

  [[nodiscard]] size_t longest_row() const {
    return std::ranges::max_element(rows_, {}, &std::vector<size_t>::size)->size();
  }

  /// Gives items their x: packed at first, then each row as near to what it is connected to as its gaps allow.
  void move() {
    for (const std::vector<size_t>& row : rows_) {
      double x = 0;
      for (size_t i = 0; i < row.size(); ++i) {
        x += i == 0 ? 0 : gap(items_[row[i - 1]], items_[row[i]]);
        items_[row[i]].x = x;
      }
      for (const size_t item : row) {
        items_[item].x -= x / 2;
      }
    }
    for (int sweep = 0; sweep < kPlaceSweeps; ++sweep) {
      const bool downwards = sweep % 2 == 0;
      for (size_t i = 0; i < rows_.size(); ++i) {
        move_row(rows_[downwards ? i : rows_.size() - 1 - i]);
      }
    }
  }

  /// The nearest places to the wished ones in the sense of least squares: with the gaps subtracted, wishes must not
  /// decrease, and neighbors that do are pooled.
  void move_row(const std::vector<size_t>& row) {
    struct Pool {
      double sum;
      double weight;
      size_t count;
      [[nodiscard]] double mean() const { return sum / weight; }
    };
    std::vector<Pool> pools;
    std::vector<double> offsets;
    double offset = 0;
    for (size_t i = 0; i < row.size(); ++i) {
      offset += i == 0 ? 0 : gap(items_[row[i - 1]], items_[row[i]]);
      offsets.push_back(offset);
      const auto [wish, weight] = wish_of(items_[row[i]]);
      pools.push_back({(wish - offset) * weight, weight, 1});
      while (pools.size() > 1 && pools[pools.size() - 2].mean() > pools.back().mean()) {
        const Pool last = pools.back();
        pools.pop_back();
        pools.back().sum += last.sum;
        pools.back().weight += last.weight;
        pools.back().count += last.count;
      }
    }
    size_t i = 0;
    for (const Pool& pool : pools) {
      for (size_t member = 0; member < pool.count; ++member, ++i) {
        items_[row[i]].x = pool.mean() + offsets[i];
      }
    }
  }

  [[nodiscard]] std::pair<double, double> wish_of(const Item& item) const {
    constexpr double kStraight = 4;  // weight of points between points: bends are ugly
    double sum = 0;
    double weight = 0;
    for (const auto& links : {std::span(item.above), std::span(item.below)}) {
      for (const size_t link : links) {
        const double one = item.width == 0 && items_[link].width == 0 ? kStraight : 1;
        sum += items_[link].x * one;
        weight += one;
      }
    }
    return weight == 0 ? std::pair(item.x, 0.1) : std::pair(sum / weight, weight);
  }

  LayeredSize finish() {
    double left = 0;
    double right = 0;
    for (size_t i = 0; i < items_.size(); ++i) {
      left = i == 0 ? items_[i].x - items_[i].width / 2 : std::min(left, items_[i].x - items_[i].width / 2);
      right = i == 0 ? items_[i].x + items_[i].width / 2 : std::max(right, items_[i].x + items_[i].width / 2);
    }
    for (size_t i = 0; i < nodes_.size(); ++i) {
      nodes_[i].x = items_[i].x - left;
    }
    for (size_t i = 0; i < edges_.size(); ++i) {
      for (size_t pass = first_pass_[i]; pass < first_pass_[i + 1]; ++pass) {
        edges_[i].passes.push_back(items_[pass].x - left);
      }
    }
    return {right - left, rows_.size()};
  }

  std::vector<LayeredNode>& nodes_;
  std::vector<LayeredEdge>& edges_;
  const LayeredOptions& options_;
  std::vector<Item> items_;  ///< nodes, then the points of the edges
  std::vector<std::vector<size_t>> rows_;
  std::vector<size_t> first_pass_;  ///< by edge; one more at the end
};

}  // namespace

LayeredSize place_in_layers(std::vector<LayeredNode>& nodes, std::vector<LayeredEdge>& edges,
                            const LayeredOptions& options) {
  return nodes.empty() ? LayeredSize{} : Layers(nodes, edges, options).place();
}

}  // namespace tenon::cli
