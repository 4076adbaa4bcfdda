#include "cli/map_picture.h"

#include <algorithm>
#include <cmath>
#include <ranges>
#include <span>
#include <vector>

#include "cli/output.h"
#include "cli/svg.h"

namespace tenon::cli {

namespace {

using link::MappedRange;
using Kind = MappedRange::Kind;

constexpr double kMargin = 20;
constexpr double kWidth = 1000;  // of the bars
constexpr double kBarHeight = 40;
constexpr double kLabelSize = 11;
constexpr double kTickSize = 9.5;
constexpr double kPartGap = 28;       // between bars that stand side by side
constexpr double kWidestPiece = 240;  // on the average of a magnified part
constexpr double kMostWeight = 6;     // of a long run beside a short one
constexpr size_t kPartsPerLevel = 4;
constexpr size_t kLevels = 5;
constexpr double kLeastMagnification = 1.5;
constexpr double kListSize = 11;
constexpr double kListLine = 16;

/// One stretch of a bar: a range of bytes, or of slots.
struct Piece {
  uint64_t start;
  uint64_t end;
  std::string label;  ///< untrusted
  const char* fill;
  bool is_dashed = false;
  bool is_minor = false;  ///< need not be legible
  size_t number = 0;      ///< in the list below; 0: not listed
};

std::vector<Piece> pieces_of(const link::MemoryMap& map) {
  std::vector<Piece> pieces;
  size_t libraries = 0;
  size_t listed = 0;
  const std::string main = map.examination.dependencies.empty() ? "" : map.examination.dependencies.front().name;
  for (const MappedRange& range : map.memory) {
    Piece& piece = pieces.emplace_back(Piece{range.start, range.end, describe(range), "#f1f1f1"});
    switch (range.kind) {
      case Kind::gap:
        piece.fill = "#dddddd";
        break;
      case Kind::stack:
        piece.fill = "#f7e3c8";
        break;
      case Kind::data:
        piece.label = range.owner;
        piece.fill = range.owner == main ? "#cfe0f5" : ++libraries % 2 == 0 ? "#c9dfc5" : "#dcecd9";
        break;
      case Kind::data_and_stack:
        piece.fill = "url(#data-and-stack)";
        break;
      case Kind::heap:
        piece.fill = "#f5d9de";
        break;
      case Kind::reserve:
        piece.fill = "#ffffff";
        piece.is_dashed = true;
        break;
      case Kind::padding:
      case Kind::unknown:
        piece.is_dashed = true;
        break;
    }
    if (is_listed(range)) {
      piece.number = ++listed;
    } else {
      piece.is_minor = true;
    }
  }
  return pieces;
}

std::vector<Piece> slot_pieces_of(const link::MemoryMap& map) {
  std::vector<Piece> pieces;
  uint64_t end = 0;
  const std::string main = map.examination.dependencies.empty() ? "" : map.examination.dependencies.front().name;
  const auto fill = [&](uint64_t until) {
    if (end < until) {
      pieces.push_back({end, until, "empty", "#f1f1f1", true});
    }
    end = until;
  };
  for (const link::SlotRange& range : map.table) {
    fill(range.start);
    end = range.end;
    const bool is_null = range.owner.empty();
    Piece& piece = pieces.emplace_back(Piece{range.start, range.end, is_null ? "null" : range.owner, "#dddddd"});
    piece.is_minor = is_null;
    if (!is_null) {
      piece.fill = range.owner == main ? "#cfe0f5" : pieces.size() % 2 == 0 ? "#dcecd9" : "#c9dfc5";
    }
  }
  fill(map.table_size);
  return pieces;
}

/// A run of pieces drawn as one bar.
struct Part {
  size_t first;
  size_t last;  ///< behind the last one
  double x = kMargin;
  double width = kWidth;
  // Where the run is in the bar above.
  double from_left = 0;
  double from_right = 0;
};

/// Draws pieces as bars: all of them to scale in the first, and below it runs of those that were too small for their
/// names, magnified, as often as it helps.
class Bars {
 public:
  Bars(Svg& svg, std::span<const Piece> pieces, bool is_hexadecimal)
      : svg_(svg), pieces_(pieces), is_hexadecimal_(is_hexadecimal) {}

  /// The y below them all.
  double draw(double y) {
    std::vector<Part> parts = {{.first = 0, .last = pieces_.size()}};
    for (size_t level = 0; level < kLevels && !parts.empty(); ++level) {
      std::vector<Part> next;
      for (const Part& part : parts) {
        if (level != 0) {
          svg_.add(
              R"(<path d="M{:.1f},{:.1f} L{:.1f},{:.1f} L{:.1f},{:.1f} L{:.1f},{:.1f} z" fill="#eef2f8" stroke="#b9c6d8" stroke-width="0.7"/>)",
              part.from_left, y - kAway, std::max(part.from_right, part.from_left + 1), y - kAway, part.x + part.width,
              y, part.x, y);
        }
      }
      for (const Part& part : parts) {
        bar(part, y, next);
      }
      parts = arrange(std::move(next));
      y += kBarHeight + kAway;
    }
    y -= kAway;
    for (const Part& run : long_runs_) {
      y = draw_long_run(run, y);
    }
    return y + 10;
  }

 private:
  static constexpr size_t kMostBars = 100;  ///< of one long run; there is always the list
  static constexpr double kAway = 56;       ///< between the bottom of a bar and the top of the next

  /// Draws a run of many pieces as several bars, each to its own scale. The y below them.
  double draw_long_run(const Part& run, double y) {
    constexpr size_t kPiecesPerBar = 20;
    const size_t bars = (run.last - run.first + kPiecesPerBar - 1) / kPiecesPerBar;
    if (bars > kMostBars) {
      return y;
    }
    y += 24;
    svg_.add(R"(<text x="{}" y="{:.1f}" font-size="{}" fill="#333">{} to {}, each bar to its own scale:</text>)",
             kMargin, y, kLabelSize, tick(pieces_[run.first].start), tick(pieces_[run.last - 1].end));
    std::vector<Part> ignored;
    for (size_t i = 0; i < bars; ++i) {
      const size_t pieces = run.last - run.first;
      y += 22;
      bar({.first = run.first + pieces * i / bars, .last = run.first + pieces * (i + 1) / bars}, y, ignored);
      y += kBarHeight;
    }
    return y;
  }

  [[nodiscard]] std::string tick(uint64_t value) const {
    return is_hexadecimal_ ? fmt::format("{:08x}", value) : fmt::format("{}", value);
  }

  /// Draws one bar; adds the runs that need to be magnified to `next`.
  void bar(const Part& part, double y, std::vector<Part>& next) {
    const uint64_t start = pieces_[part.first].start;
    const double scale = part.width / static_cast<double>(std::max<uint64_t>(pieces_[part.last - 1].end - start, 1));
    double tick_end = -1e9;
    const double last_tick = part.x + part.width - columns_width(tick(pieces_[part.last - 1].end).size(), kTickSize);
    size_t run = part.last;  // first of the pieces without a label
    const auto end_run = [&](size_t end) {
      const auto matters = [](const Piece& piece) { return !piece.is_minor; };
      if (run < end && std::ranges::any_of(pieces_.subspan(run, end - run), matters)) {
        const double left = part.x + static_cast<double>(pieces_[run].start - start) * scale;
        const double right = part.x + static_cast<double>(pieces_[end - 1].end - start) * scale;
        next.push_back({.first = run, .last = end, .from_left = left, .from_right = right});
      }
      run = part.last;
    };
    for (size_t i = part.first; i < part.last; ++i) {
      const Piece& piece = pieces_[i];
      const double x = part.x + static_cast<double>(piece.start - start) * scale;
      const double width = static_cast<double>(piece.end - piece.start) * scale;
      svg_.add(
          R"(<rect x="{:.2f}" y="{:.1f}" width="{:.2f}" height="{}" fill="{}" stroke="#36507a" stroke-width="{}"{}><title>{}, {}</title></rect>)",
          x, y, std::max(width, 0.05), kBarHeight, piece.fill,
          width < 1.5 ? 0.1
          : width < 4 ? 0.4
                      : 1.1,
          piece.is_dashed && width > 8 ? R"( stroke-dasharray="4 3")" : "", xml_escaped(piece.label), size_text(piece));
      if (x >= tick_end && x + columns_width(9, kTickSize) <= last_tick) {
        put_tick(x, y, piece.start, "start");
        tick_end = x + columns_width(tick(piece.start).size() + 1, kTickSize);
      }
      if (label(piece, x, width, y)) {
        end_run(i);
      } else if (run == part.last) {
        run = i;
      }
    }
    end_run(part.last);
    put_tick(part.x + part.width, y, pieces_[part.last - 1].end, "end");
  }

  void put_tick(double x, double y, uint64_t value, const char* anchor) {
    svg_.add(
        R"(<path d="M{0:.1f},{1:.1f} v5" stroke="#777"/><text x="{0:.1f}" y="{2:.1f}" font-size="{3}" font-family="monospace" fill="#333" text-anchor="{4}">{5}</text>)",
        x, y, y - 7, kTickSize, anchor, tick(value));
  }

  [[nodiscard]] std::string size_text(const Piece& piece) const {
    const uint64_t size = piece.end - piece.start;
    return is_hexadecimal_ ? format_size(size) : fmt::format("{} {}", size, size == 1 ? "slot" : "slots");
  }

  /// False when the piece is too narrow for its name.
  bool label(const Piece& piece, double x, double width, double y) {
    constexpr size_t kLeastColumns = 8;  // of a name that was cut
    const auto room = static_cast<size_t>(std::max(0.0, width - 6) / columns_width(1, kLabelSize));
    if (room < std::min(kLeastColumns, text_columns(piece.label))) {
      return false;
    }
    const std::string size = size_text(piece);
    const bool has_size = columns_width(size.size(), kTickSize) + 4 <= width;
    put_text(x + width / 2, y + kBarHeight / 2 + (has_size ? -2 : 4), kLabelSize, shortened(piece.label, room));
    if (has_size) {
      put_text(x + width / 2, y + kBarHeight / 2 + 12, kTickSize, size);
    }
    return true;
  }

  void put_text(double x, double y, double size, std::string_view text) {
    svg_.add(
        R"(<text x="{:.1f}" y="{:.1f}" font-size="{}" font-family="monospace" fill="#222" text-anchor="middle">{}</text>)",
        x, y, size, xml_escaped(text));
  }

  /// Chooses the runs that gain most, and gives each a place in the row.
  std::vector<Part> arrange(std::vector<Part> runs) {
    const auto count = [](const Part& part) { return part.last - part.first; };
    const auto weight = [&](const Part& part) {
      return std::min(std::sqrt(static_cast<double>(count(part))), kMostWeight);
    };
    if (runs.size() > kPartsPerLevel) {
      std::vector<size_t> counts;
      counts.reserve(runs.size());
      for (const Part& run : runs) {
        counts.push_back(count(run));
      }
      std::ranges::nth_element(counts, counts.begin() + kPartsPerLevel - 1, std::greater());
      const size_t least = counts[kPartsPerLevel - 1];
      std::erase_if(runs, [&](const Part& run) { return count(run) < least; });
      runs.resize(std::min(runs.size(), kPartsPerLevel));
    }
    // A run gets as much of the row as it has pieces, and a place as near to where it comes from as there is room.
    double weights = 0;
    for (const Part& run : runs) {
      weights += weight(run);
    }
    const double whole = kWidth - kPartGap * static_cast<double>(runs.empty() ? 0 : runs.size() - 1);
    double next = kMargin;
    for (Part& run : runs) {
      run.width = std::min(whole * weight(run) / weights, kWidestPiece * static_cast<double>(count(run)));
      run.x = std::max((run.from_left + run.from_right - run.width) / 2, next);
      next = run.x + run.width + kPartGap;
    }
    double limit = kMargin + kWidth;
    for (Part& run : runs | std::views::reverse) {
      run.x = std::min(run.x, limit - run.width);
      limit = run.x - kPartGap;
    }
    std::erase_if(runs, [&](const Part& run) {
      const bool is_too_long = run.width < kLeastMagnification * (run.from_right - run.from_left);
      if (is_too_long && count(run) > 1) {
        long_runs_.push_back(run);
      }
      return is_too_long;
    });
    return runs;
  }

  Svg& svg_;
  std::span<const Piece> pieces_;
  std::vector<Part> long_runs_;  ///< too long to be magnified in one bar
  bool is_hexadecimal_;
};

/// Every range with its number, address and size, in two columns when there are many. The y below it.
double draw_list(Svg& svg, const link::MemoryMap& map, std::span<const Piece> pieces, double y) {
  constexpr size_t kOneColumn = 14;
  const auto listed = static_cast<size_t>(std::ranges::count_if(map.memory, is_listed));
  const size_t columns = listed > kOneColumn ? 2 : 1;
  const size_t rows = std::max<size_t>((listed + columns - 1) / columns, 1);
  const double column_width = kWidth / static_cast<double>(columns);
  for (size_t i = 0; i < map.memory.size(); ++i) {
    const MappedRange& range = map.memory[i];
    if (pieces[i].number == 0) {
      continue;
    }
    const size_t row = (pieces[i].number - 1) % rows;
    const size_t column = (pieces[i].number - 1) / rows;
    const double x = kMargin + column_width * static_cast<double>(column);
    const double line = y + kListLine * static_cast<double>(row + 1);
    svg.add(R"(<rect x="{:.1f}" y="{:.1f}" width="12" height="11" fill="{}" stroke="#36507a" stroke-width="0.8"/>)", x,
            line - 10, pieces[i].fill);
    const std::string text = fmt::format("{:08x}-{:08x} {:>11}  {}", range.start, range.end, format_size(range.size()),
                                         shortened(describe(range), columns == 1 ? 90 : 36));
    svg.add(
        R"(<text x="{:.1f}" y="{:.1f}" font-size="{}" font-family="monospace" fill="#222" xml:space="preserve">{}</text>)",
        x + 19, line, kListSize, xml_escaped(text));
  }
  return y + kListLine * static_cast<double>(rows) + 12;
}

void put_heading(Svg& svg, double y, const std::string& text) {
  svg.add(R"(<text x="{}" y="{:.1f}" font-weight="bold" fill="#1d2f4d">{}</text>)", kMargin, y, xml_escaped(text));
}

}  // namespace

std::string describe(const MappedRange& range) {
  switch (range.kind) {
    case Kind::gap:
      return "gap";
    case Kind::stack:
      return "stack";
    case Kind::data:
      return "data of " + range.owner;
    case Kind::data_and_stack:
      return "zeroed data of " + range.owner + ", and stack";
    case Kind::reserve:
      return "reserve";
    case Kind::heap:
      return "heap";
    case Kind::padding:
      return "padding";
    case Kind::unknown:
      return "unknown";
  }
  return {};
}

bool is_listed(const MappedRange& range) {
  constexpr uint64_t kLeastPadding = 1024;
  return range.kind != Kind::padding || range.size() >= kLeastPadding;
}

std::string draw_map(const link::MemoryMap& map, const std::string& file) {
  Svg svg;
  svg.add(
      R"(<defs><linearGradient id="data-and-stack"><stop offset="0" stop-color="#cfe0f5"/><stop offset="1" stop-color="#f7e3c8"/></linearGradient></defs>)");
  const std::string name = shortened(escaped(file), 60);
  double y = 26;
  const std::vector<Piece> pieces = pieces_of(map);
  if (pieces.empty()) {
    put_heading(svg, y, name + " has no memory");
    y += 20;
  } else {
    put_heading(svg, y,
                fmt::format("Memory of {}: {} at the start, {} at most", name, format_size(map.memory_size),
                            format_size(map.maximum_memory)));
    y = Bars(svg, pieces, true).draw(y + 26);
    y = draw_list(svg, map, pieces, y);
  }
  const std::vector<Piece> slots = slot_pieces_of(map);
  if (!slots.empty()) {
    y += 24;
    put_heading(
        svg, y,
        fmt::format("Function table: {} {} at the start", map.table_size, map.table_size == 1 ? "slot" : "slots"));
    y = Bars(svg, slots, false).draw(y + 26);
  }
  return svg.finish("Memory of " + name, kWidth + 2 * kMargin, y + 8);
}

}  // namespace tenon::cli
