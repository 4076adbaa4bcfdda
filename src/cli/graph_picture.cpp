#include "cli/graph_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_map>
#include <utility>

#include "cli/layered.h"
#include "cli/output.h"
#include "cli/svg.h"

namespace tenon::cli {

namespace {

/// How a library comes into the program. Each has a shape of its own, and the edges to it a line of their own.
enum class Kind : uint8_t { main, needed, lazy, opened, missing };
constexpr size_t kKinds = 5;

struct Look {
  const char* fill;
  const char* stroke;
  const char* node_dashes;
  const char* edge_dashes;
  const char* legend;
};
constexpr std::array<Look, kKinds> kLooks = {{
    {"#cfe0f5", "#1d2f4d", "", "", "the program"},
    {"#dcecd9", "#36507a", "", "", "needed: loaded at the start"},
    {"#f6f1d3", "#7a6a1f", "5 3", "6 4", "put off until it is used"},
    {"#f7dfc3", "#a35a00", "", "1.5 3.5", "opened at run time"},
    {"#fbe3e3", "#b3261e", "3 2", "8 3 2 3", "not found"},
}};
const Look& look_of(Kind kind) {
  return kLooks[static_cast<size_t>(kind)];
}

constexpr double kMargin = 24;
constexpr double kTitleHeight = 34;
constexpr double kLegendWidth = 340;
constexpr size_t kFewLibraries = 16;   // all edges are drawn
constexpr size_t kManyLibraries = 60;  // nodes are smaller
constexpr size_t kManyRows = 60;
constexpr size_t kMostHubs = 9;  // of either direction

struct Node {
  const link::Dependency* library;
  Kind kind;
  std::string label;   ///< untrusted
  std::string remark;  ///< a second line
  std::vector<size_t> needs_hubs;
  std::vector<size_t> of_hubs;
};

struct Edge {
  Kind kind;
  bool both_ways = false;
};

/// A node with so many edges in one direction that they would hide all others: its neighbors are marked instead.
struct Hub {
  size_t node;
  bool is_needed;  ///< by many; else it needs many
  size_t count;
};

class Graph {
 public:
  Graph(const Survey& survey, const std::string& file) : survey_(survey), file_(shortened(escaped(file), 60)) {}

  std::string draw() {
    add_nodes();
    add_edges();
    choose_hubs();
    const double widest =
        std::max(1000.0, std::sqrt(static_cast<double>(nodes_.size()) * (column() + 16) * row_height() * 1.6));
    const LayeredSize size = place_in_layers(places_, lines_, {.widest_row = widest});
    is_deep_ = size.rows > kManyRows;
    const std::string title = this->title();
    const double least = std::max(columns_width(text_columns(title), 13), kLegendWidth);
    left_ = std::max(0.0, (least - size.width) / 2);
    for (size_t i = 0; i < lines_.size(); ++i) {
      if (lines_[i].is_drawn) {
        draw_edge(i);
      }
    }
    for (size_t i = 0; i < nodes_.size(); ++i) {
      draw_node(nodes_[i], kMargin + left_ + places_[i].x, row_y(places_[i].row), places_[i].width);
    }
    const double bottom = row_y(size.rows == 0 ? 0 : size.rows - 1) + node_height() + 30;
    const double height = draw_legend(bottom);
    svg_.add(R"(<text x="{}" y="26" font-weight="bold" fill="#1d2f4d">{}</text>)", kMargin, xml_escaped(title));
    return svg_.finish(title, std::max(size.width, least) + 2 * kMargin, height);
  }

 private:
  [[nodiscard]] bool is_small() const { return nodes_.size() > kManyLibraries; }
  [[nodiscard]] double node_height() const { return is_small() ? 21 : 38; }
  [[nodiscard]] double font_size() const { return is_small() ? 10.5 : 12; }
  [[nodiscard]] double row_height() const { return node_height() + (is_deep_ ? 22 : is_small() ? 44 : 54); }
  [[nodiscard]] double row_y(size_t row) const { return kTitleHeight + 16 + row_height() * static_cast<double>(row); }
  /// Mean width of a node.
  [[nodiscard]] double column() const {
    double sum = 0;
    for (const LayeredNode& place : places_) {
      sum += place.width;
    }
    return sum / static_cast<double>(places_.size());
  }

  [[nodiscard]] std::string title() const {
    const auto count = [&](auto&& is_one) { return static_cast<size_t>(std::ranges::count_if(nodes_, is_one)); };
    const size_t missing = count([](const Node& node) { return node.kind == Kind::missing; });
    const size_t libraries = nodes_.size() - 1 - missing;
    std::string text = fmt::format("{}: {} {}", file_, libraries, libraries == 1 ? "library" : "libraries");
    return missing == 0 ? text : text + fmt::format(", {} not found", missing);
  }

  void add_nodes() {
    const auto& libraries = survey_.examination.dependencies;
    nodes_.resize(libraries.size());
    places_.resize(libraries.size());
    for (size_t i = 0; i < libraries.size(); ++i) {
      const link::Dependency& library = libraries[i];
      Node& node = nodes_[i];
      node.library = &library;
      node.kind = i == 0                  ? Kind::main
                  : !library.found        ? Kind::missing
                  : i >= survey_.at_start ? Kind::opened
                  : library.lazy          ? Kind::lazy
                                          : Kind::needed;
      node.label = shortened(escaped(library.name), is_small() ? 22 : 30);
      node.remark = library.found ? format_size(file_size(library.path)) : "not found";
      const double text = std::max(columns_width(text_columns(node.label), font_size()),
                                   is_small() ? 0 : columns_width(node.remark.size(), 10));
      places_[i].width = std::max(text + (node.kind == Kind::needed || node.kind == Kind::main ? 16 : 28), 60.0);
    }
  }

  void add_edges() {
    std::unordered_map<std::string, size_t> by_name;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      by_name.emplace(nodes_[i].library->name, i);
    }
    for (size_t i = 0; i < nodes_.size(); ++i) {
      for (const std::string& needed : nodes_[i].library->needed) {
        if (const auto found = by_name.find(needed); found != by_name.end()) {
          const Kind kind = nodes_[found->second].kind;
          add_edge(i, found->second, kind == Kind::lazy || kind == Kind::missing ? kind : Kind::needed);
        }
      }
    }
    for (const auto& [requester, library] : survey_.openings) {
      add_edge(requester, library, nodes_[library].kind == Kind::missing ? Kind::missing : Kind::opened);
    }
  }

  /// Each pair of nodes has one edge; two of one kind that go both ways are one.
  void add_edge(size_t from, size_t to, Kind kind) {
    if (from == to || known_.contains({from, to})) {
      return;
    }
    if (const auto back = known_.find({to, from}); back != known_.end() && edges_[back->second].kind == kind) {
      edges_[back->second].both_ways = true;
      known_.emplace(std::pair(from, to), back->second);
      return;
    }
    known_.emplace(std::pair(from, to), edges_.size());
    edges_.push_back({kind});
    lines_.push_back({.from = from, .to = to, .passes = {}});
  }

  void choose_hubs() {
    if (nodes_.size() <= kFewLibraries) {
      return;
    }
    const size_t many = std::max<size_t>(10, nodes_.size() / 10);
    for (const bool is_needed : {true, false}) {
      std::vector<size_t> counts(nodes_.size());
      for (const LayeredEdge& line : lines_) {
        counts[is_needed ? line.to : line.from] += line.is_drawn ? 1 : 0;
      }
      std::vector<Hub> found;
      for (size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] > many) {
          found.push_back({i, is_needed, counts[i]});
        }
      }
      std::ranges::sort(found, std::greater(), &Hub::count);
      found.resize(std::min(found.size(), kMostHubs));
      for (const Hub& hub : found) {
        hubs_.push_back(hub);
        for (size_t i = 0; i < lines_.size(); ++i) {
          LayeredEdge& line = lines_[i];
          // Those that are not plain are few, and what one wants to see.
          if (line.is_drawn && edges_[i].kind == Kind::needed && !edges_[i].both_ways &&
              (is_needed ? line.to : line.from) == hub.node) {
            line.is_drawn = false;
            (is_needed ? nodes_[line.from].needs_hubs : nodes_[line.to].of_hubs).push_back(hubs_.size());
          }
        }
      }
    }
  }

  // ---- Drawing

  void draw_shape(Kind kind, double center, double y, double width, double height) {
    const Look& look = look_of(kind);
    const double left = center - width / 2;
    const double right = center + width / 2;
    const std::string style =
        fmt::format(R"(fill="{}" stroke="{}" stroke-width="1.2"{})", look.fill, look.stroke,
                    *look.node_dashes == '\0' ? "" : fmt::format(R"( stroke-dasharray="{}")", look.node_dashes));
    switch (kind) {
      case Kind::main:
        svg_.add(R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" {}/>)", left, y, width, height, style);
        svg_.add(
            R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="none" stroke="{}" stroke-width="0.8"/>)",
            left + 2.5, y + 2.5, width - 5, height - 5, look.stroke);
        break;
      case Kind::needed:
        svg_.add(R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="3" {}/>)", left, y, width, height,
                 style);
        break;
      case Kind::opened:
        svg_.add(R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="{:.1f}" {}/>)", left, y, width,
                 height, height / 2, style);
        break;
      case Kind::lazy: {  // pointed at both sides
        const double middle = y + height / 2;
        svg_.add(R"(<path d="M{:.1f},{:.1f} L{:.1f},{:.1f} H{:.1f} L{:.1f},{:.1f} L{:.1f},{:.1f} H{:.1f} z" {}/>)",
                 left, middle, left + 10, y, right - 10, right, middle, right - 10, y + height, left + 10, style);
        break;
      }
      case Kind::missing:  // struck out
        svg_.add(R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" {}/>)", left, y, width, height, style);
        svg_.add(R"(<path d="M{0:.1f},{2:.1f} L{1:.1f},{3:.1f} M{1:.1f},{2:.1f} L{0:.1f},{3:.1f}" stroke="#f0b8b4"/>)",
                 left + 1, right - 1, y + 1, y + height - 1);
        break;
    }
  }

  void draw_node(const Node& node, double center, double y, double width) {
    const link::Dependency& library = *node.library;
    svg_.add("<g><title>{}, {}</title>", xml_escaped(library.name),
             library.found ? fmt::format("{}, {}", link::to_string(library.found_through), node.remark) : node.remark);
    draw_shape(node.kind, center, y, width, node_height());
    const double baseline = is_small() ? y + node_height() / 2 + 3.8 : y + 17;
    svg_.add(
        R"(<text x="{:.1f}" y="{:.1f}" font-size="{}" font-family="monospace" fill="#222" text-anchor="middle"{}>{}</text>)",
        center, baseline, font_size(), node.kind == Kind::main ? R"( font-weight="bold")" : "",
        xml_escaped(node.label));
    if (!is_small()) {
      svg_.add(
          R"(<text x="{:.1f}" y="{:.1f}" font-size="10" font-family="monospace" fill="#444" text-anchor="middle">{}</text>)",
          center, y + 30, node.remark);
    }
    svg_.add("</g>");
    double x = center + width / 2 - 3;
    for (const size_t hub : node.needs_hubs) {
      draw_badge(hub, x, y + node_height());
      x -= 12;
    }
    x = center - width / 2 + 3;
    for (const size_t hub : node.of_hubs) {
      draw_badge(hub, x, y);
      x += 12;
    }
    for (size_t i = 0; i < hubs_.size(); ++i) {
      if (nodes_[hubs_[i].node].library == node.library) {
        draw_badge(i + 1, center + (hubs_[i].is_needed ? -8 : 8), hubs_[i].is_needed ? y : y + node_height(), true);
      }
    }
  }

  /// A circle below what needs the hub; a square above what the hub needs. Filled at the hub itself.
  void draw_badge(size_t number, double x, double y, bool at_hub = false) {
    const bool is_needed = hubs_[number - 1].is_needed;
    const char* const color = is_needed ? "#36507a" : "#6b3d86";
    const char* const fill = at_hub ? color : "#ffffff";
    if (is_needed) {
      svg_.add(R"(<circle cx="{:.1f}" cy="{:.1f}" r="5.5" fill="{}" stroke="{}"/>)", x, y, fill, color);
    } else {
      svg_.add(R"(<rect x="{:.1f}" y="{:.1f}" width="10" height="10" fill="{}" stroke="{}"/>)", x - 5, y - 5, fill,
               color);
    }
    svg_.add(R"(<text x="{:.1f}" y="{:.1f}" font-size="8" fill="{}" text-anchor="middle">{}</text>)", x, y + 2.9,
             at_hub ? "#ffffff" : color, number);
  }

  /// A head at (x, y) of a line that comes from above (`down`) or from below.
  void draw_head(Kind kind, double x, double y, bool down) {
    const double back = down ? y - 8 : y + 8;
    const char* const color = look_of(kind).stroke;
    if (kind == Kind::missing) {  // a cross
      const double near = down ? y - 2 : y + 2;
      svg_.add(
          R"(<path d="M{0:.1f},{2:.1f} L{1:.1f},{3:.1f} M{1:.1f},{2:.1f} L{0:.1f},{3:.1f}" stroke="{4}" stroke-width="1.6"/>)",
          x - 3.5, x + 3.5, near, back, color);
    } else if (kind == Kind::opened || kind == Kind::lazy) {  // open
      svg_.add(R"(<path d="M{:.1f},{:.1f} L{:.1f},{:.1f} L{:.1f},{:.1f}" fill="none" stroke="{}" stroke-width="1.4"/>)",
               x - 3.8, back, x, y, x + 3.8, back, color);
    } else {
      svg_.add(R"(<path d="M{:.1f},{:.1f} L{:.1f},{:.1f} L{:.1f},{:.1f} z" fill="{}"/>)", x - 3.2, back, x, y, x + 3.2,
               back, color);
    }
  }

  /// Where on the width of a node an edge ends: in the order of where the edges go.
  [[nodiscard]] double port(size_t node, size_t edge, bool at_bottom) {
    std::vector<std::pair<double, size_t>>& ports = at_bottom ? bottom_ports_[node] : top_ports_[node];
    const auto found = std::ranges::find(ports, edge, &std::pair<double, size_t>::second);
    const auto place = static_cast<double>(found - ports.begin());
    const double room = std::max(places_[node].width - 24, 10.0);
    const double step = std::min(14.0, room / static_cast<double>(ports.size()));
    return kMargin + left_ + places_[node].x + (place - (static_cast<double>(ports.size()) - 1) / 2) * step;
  }

  void sort_ports() {
    bottom_ports_.resize(nodes_.size());
    top_ports_.resize(nodes_.size());
    for (size_t i = 0; i < lines_.size(); ++i) {
      const LayeredEdge& line = lines_[i];
      if (line.is_drawn) {
        const size_t above = line.is_reversed ? line.to : line.from;
        const size_t below = line.is_reversed ? line.from : line.to;
        bottom_ports_[above].emplace_back(line.passes.empty() ? places_[below].x : line.passes.front(), i);
        top_ports_[below].emplace_back(line.passes.empty() ? places_[above].x : line.passes.back(), i);
      }
    }
    for (auto* const ports : {&bottom_ports_, &top_ports_}) {
      for (auto& of_node : *ports) {
        std::ranges::sort(of_node);
      }
    }
  }

  /// Its attributes for the dashes.
  static std::string edge_style(Kind kind) {
    const char* const dashes = look_of(kind).edge_dashes;
    return *dashes == '\0' ? ""
                           : fmt::format(R"( stroke-dasharray="{}"{})", dashes,
                                         kind == Kind::opened ? R"( stroke-linecap="round")" : "");
  }

  void draw_edge(size_t index) {
    if (bottom_ports_.empty()) {
      sort_ports();
    }
    const LayeredEdge& line = lines_[index];
    const Edge& edge = edges_[index];
    const Look& look = look_of(edge.kind);
    const size_t above = line.is_reversed ? line.to : line.from;
    const size_t below = line.is_reversed ? line.from : line.to;
    double x = port(above, index, true);
    double y = row_y(places_[above].row) + node_height();
    const double end_x = port(below, index, false);
    const double end_y = row_y(places_[below].row);
    const bool head_above = line.is_reversed || edge.both_ways;
    const bool head_below = !line.is_reversed || edge.both_ways;
    const double start_y = y;
    const double start_x = x;
    y += head_above ? 7 : 0;
    std::string path = fmt::format("M{:.1f},{:.1f}", x, y);
    const auto curve = [&](double to_x, double to_y) {
      const double half = (to_y - y) / 2;
      path += fmt::format(" C{:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f}", x, y + half, to_x, to_y - half, to_x, to_y);
      x = to_x;
      y = to_y;
    };
    size_t row = places_[above].row;
    for (const double pass : line.passes) {
      ++row;
      curve(kMargin + left_ + pass, row_y(row));
      y = row_y(row) + node_height();
      path += fmt::format(" V{:.1f}", y);
    }
    curve(end_x, end_y - (head_below ? 7 : 0));
    svg_.add(R"(<path d="{}" fill="none" stroke="{}" stroke-width="{}" stroke-opacity="{}"{}/>)", path, look.stroke,
             edge.kind == Kind::opened ? 2
             : is_small()              ? 0.9
                                       : 1.2,
             is_small() ? 0.7 : 1.0, edge_style(edge.kind));
    if (head_above) {
      draw_head(edge.kind, start_x, start_y, false);
    }
    if (head_below) {
      draw_head(edge.kind, end_x, end_y, true);
    }
  }

  /// The kinds that there are, each with its shape and its line, and the hubs. The y below.
  double draw_legend(double y) {
    constexpr double kLine = 26;
    svg_.add(R"(<path d="M{},{:.1f} H{}" stroke="#ccc"/>)", kMargin, y - 10, kMargin + 300);
    const auto text = [&](double x, const std::string& words) {
      svg_.add(R"(<text x="{}" y="{:.1f}" font-size="11.5" fill="#333">{}</text>)", x, y + 13, xml_escaped(words));
    };
    for (size_t i = 0; i < kKinds; ++i) {
      const auto kind = static_cast<Kind>(i);
      if (std::ranges::find(nodes_, kind, &Node::kind) == nodes_.end()) {
        continue;
      }
      draw_shape(kind, kMargin + 26, y, 52, 18);
      if (kind != Kind::main) {
        const Look& look = look_of(kind);
        svg_.add(R"_(<g transform="translate({},{:.1f}) rotate(-90)">)_", kMargin + 62, y + 9);
        svg_.add(R"(<path d="M0,0 V33" fill="none" stroke="{}" stroke-width="{}"{}/>)", look.stroke,
                 kind == Kind::opened ? 2 : 1.2, edge_style(kind));
        draw_head(kind, 0, 40, true);
        svg_.add("</g>");
      }
      text(kMargin + 114, look_of(kind).legend);
      y += kLine;
    }
    for (size_t i = 0; i < hubs_.size(); ++i) {
      const Hub& hub = hubs_[i];
      draw_badge(i + 1, kMargin + 26, y + 9);
      text(kMargin + 114, fmt::format(fmt::runtime(hub.is_needed ? "needs {}, as {} do" : "needed by {}, as {} are"),
                                      nodes_[hub.node].label, hub.count));
      y += kLine;
    }
    return y + 8;
  }

  const Survey& survey_;
  std::string file_;
  Svg svg_;
  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
  std::vector<LayeredNode> places_;  ///< of the nodes
  std::vector<LayeredEdge> lines_;   ///< of the edges
  std::map<std::pair<size_t, size_t>, size_t> known_;
  std::vector<Hub> hubs_;
  std::vector<std::vector<std::pair<double, size_t>>> bottom_ports_;  ///< by node: where to, and which edge
  std::vector<std::vector<std::pair<double, size_t>>> top_ports_;
  double left_ = 0;       ///< of the nodes, besides the margin
  bool is_deep_ = false;  ///< so many rows that they are put closer together
};

}  // namespace

std::string draw_graph(const Survey& survey, const std::string& file) {
  return Graph(survey, file).draw();
}

}  // namespace tenon::cli
