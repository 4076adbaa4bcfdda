#include "cli/layered.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

namespace tenon::cli {
namespace {

struct Case {
  std::vector<LayeredNode> nodes;
  std::vector<LayeredEdge> edges;
  LayeredSize size;

  Case(size_t count, const std::vector<std::pair<size_t, size_t>>& pairs, double widest_row = 1600) {
    for (size_t i = 0; i < count; ++i) {
      nodes.push_back({.width = 60 + static_cast<double>(i % 5) * 20});
    }
    for (const auto& [from, to] : pairs) {
      edges.push_back({.from = from, .to = to, .passes = {}});
    }
    size = place_in_layers(nodes, edges, {.widest_row = widest_row});
    check();
  }

  /// What holds for every graph.
  void check() {
    std::vector<std::vector<std::pair<double, double>>> rows(size.rows);
    for (const LayeredNode& node : nodes) {
      ASSERT_TRUE(std::isfinite(node.x));
      ASSERT_LT(node.row, size.rows);
      ASSERT_GE(node.x - node.width / 2, -0.001);
      ASSERT_LE(node.x + node.width / 2, size.width + 0.001);
      rows[node.row].emplace_back(node.x - node.width / 2, node.x + node.width / 2);
    }
    for (auto& row : rows) {
      std::ranges::sort(row);
      for (size_t i = 1; i < row.size(); ++i) {
        ASSERT_GE(row[i].first, row[i - 1].second + 11.9);
      }
    }
    for (const LayeredEdge& edge : edges) {
      const LayeredNode& above = nodes[edge.is_reversed ? edge.to : edge.from];
      const LayeredNode& below = nodes[edge.is_reversed ? edge.from : edge.to];
      ASSERT_LT(above.row, below.row);
      ASSERT_TRUE(edge.passes.empty() || edge.passes.size() == below.row - above.row - 1);
      for (size_t i = 0; i < edge.passes.size(); ++i) {
        ASSERT_GE(edge.passes[i], -0.001);
        ASSERT_LE(edge.passes[i], size.width + 0.001);
        for (const auto& [left, right] : rows[above.row + 1 + i]) {
          ASSERT_TRUE(edge.passes[i] < left || edge.passes[i] > right);
        }
      }
    }
  }
};

TEST(Layered, Nothing) {
  Case none(0, {});
  EXPECT_EQ(none.size.rows, 0);
  Case one(1, {});
  EXPECT_EQ(one.size.rows, 1);
  EXPECT_DOUBLE_EQ(one.size.width, 60);
}

TEST(Layered, RowsAreLongestPaths) {
  const Case diamond(4, {{0, 1}, {0, 2}, {1, 2}, {2, 3}, {0, 3}});
  EXPECT_EQ(diamond.nodes[0].row, 0);
  EXPECT_EQ(diamond.nodes[1].row, 1);
  EXPECT_EQ(diamond.nodes[2].row, 2);
  EXPECT_EQ(diamond.nodes[3].row, 3);
  EXPECT_EQ(diamond.edges[4].passes.size(), 2);
}

TEST(Layered, CyclesAreBroken) {
  const Case cycle(3, {{0, 1}, {1, 2}, {2, 0}, {2, 1}});
  EXPECT_FALSE(cycle.edges[0].is_reversed);
  EXPECT_TRUE(cycle.edges[2].is_reversed);
  EXPECT_TRUE(cycle.edges[3].is_reversed);
}

TEST(Layered, CrossingsThatNeedNotBeAreGone) {
  // 0 above all; 1 needs 6, 2 needs 5, 3 needs 4.
  const Case pairs(7, {{0, 1}, {0, 2}, {0, 3}, {1, 6}, {2, 5}, {3, 4}});
  const auto before = [&](size_t a, size_t b) { return pairs.nodes[a].x < pairs.nodes[b].x; };
  EXPECT_EQ(before(1, 2), before(6, 5));
  EXPECT_EQ(before(2, 3), before(5, 4));
}

TEST(Layered, WideRowsBecomeSeveral) {
  std::vector<std::pair<size_t, size_t>> star;
  for (size_t i = 1; i < 301; ++i) {
    star.emplace_back(0, i);
  }
  const Case wide(301, star, 1000);
  EXPECT_GE(wide.size.rows, 30);
}

TEST(Layered, LongChain) {
  std::vector<std::pair<size_t, size_t>> chain;
  for (size_t i = 1; i < 10'000; ++i) {
    chain.emplace_back(i - 1, i);
  }
  const Case deep(10'000, chain);
  EXPECT_EQ(deep.size.rows, 10'000);
  chain.emplace_back(0, 9'999);
  chain.emplace_back(9'998, 0);
  chain.emplace_back(0, 5'000);
  const Case straight(10'000, chain);  // too many points for edges that pass
  EXPECT_TRUE(straight.edges.back().passes.empty());
}

TEST(Layered, AnyGraph) {
  std::mt19937 random(3);
  for (int i = 0; i < 300; ++i) {
    const size_t count = 1 + random() % 60;
    std::vector<std::pair<size_t, size_t>> pairs;
    for (size_t edges = random() % (3 * count); edges > 0; --edges) {
      const size_t from = random() % count;
      const size_t to = random() % count;
      if (from != to) {
        pairs.emplace_back(from, to);
      }
    }
    Case any(count, pairs, random() % 2 == 0 ? 400 : 1600);
  }
}

}  // namespace
}  // namespace tenon::cli
