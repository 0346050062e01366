// Reads a JSON message into the described struct that it stands for.
//
// Tolerant where the two sides may be of different age: unknown members are ignored (unless told to refuse
// them), missing optional members stay empty. Strict where a mistake would be dear: a wrong type is an error
// that names the member by its path, and 12.0 is not an integer. Boost.JSON's own conversion of described
// structs refuses both unknown and missing optional members, so every added member would break old plugins.
#pragma once

#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>

#include <tilld/failure.hpp>
#include <tilld/vocabulary.hpp>

namespace tilld {

enum class unknown_members { ignored, refused };

namespace detail {

template <class T>
concept described_struct = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;

template <class T>
concept described_enum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class T>
inline constexpr bool is_map<std::map<std::string, T>> = true;

template <class T>
using members_of =
    boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

// The name on the wire: as in C++, less one trailing underscore, which is there where the name is a keyword.
constexpr std::string_view wire_name(std::string_view name) {
  if (name.size() > 1 && name.back() == '_') name.remove_suffix(1);
  return name;
}

// Walks a value and a type together. The first complaint ends the walk; it names the member.
class json_walk {
 public:
  explicit json_walk(unknown_members unknown) : unknown_(unknown) {}

  template <class T>
  bool read(const boost::json::value& from, T& to) {
    if constexpr (std::same_as<T, boost::json::value>) {
      to = from;
    } else if constexpr (std::same_as<T, boost::json::object>) {
      if (!from.is_object()) return complain("must be an object");
      to = from.get_object();
    } else if constexpr (std::same_as<T, bool>) {
      if (!from.is_bool()) return complain("must be true or false");
      to = from.get_bool();
    } else if constexpr (std::integral<T>) {
      return read_integer(from, to);
    } else if constexpr (std::floating_point<T>) {
      if (!from.is_number()) return complain("must be a number");
      to = from.to_number<T>();
    } else if constexpr (std::same_as<T, std::string>) {
      if (!from.is_string()) return complain("must be text");
      to.assign(from.get_string().data(), from.get_string().size());
    } else if constexpr (described_enum<T>) {
      return read_enum(from, to);
    } else if constexpr (is_optional<T>) {
      if (from.is_null()) return to.reset(), true;
      return read(from, to.emplace());
    } else if constexpr (is_vector<T>) {
      return read_vector(from, to);
    } else if constexpr (is_map<T>) {
      return read_map(from, to);
    } else {
      static_assert(described_struct<T>,
                    "describe this type with BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_ENUM");
      return read_struct(from, to);
    }
    return true;
  }

  // "document.lines.2.text: must be text"
  const std::string& complaint() const { return complaint_; }

 private:
  bool complain(std::string_view what) {
    complaint_.clear();
    for (const auto& step : path_) complaint_ += complaint_.empty() ? step : "." + step;
    if (complaint_.empty()) complaint_ = "body";
    complaint_ += ": ";
    complaint_ += what;
    return false;
  }

  template <class T>
  bool read_integer(const boost::json::value& from, T& to) {
    if (from.is_int64() && std::in_range<T>(from.get_int64()))
      return to = static_cast<T>(from.get_int64()), true;
    if (from.is_uint64() && std::in_range<T>(from.get_uint64()))
      return to = static_cast<T>(from.get_uint64()), true;
    if (!from.is_int64() && !from.is_uint64()) return complain("must be an integer");
    return complain("must be an integer from " + std::to_string(std::numeric_limits<T>::min()) + " to " +
                    std::to_string(std::numeric_limits<T>::max()));
  }

  template <class T>
  bool read_enum(const boost::json::value& from, T& to) {
    if (!from.is_string()) return complain("must be text");
    std::string_view text(from.get_string().data(), from.get_string().size());
    std::optional<T> found, unknown;
    std::string known;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto d) {
      if (wire_name(d.name) == text) found = d.value;
      if (wire_name(d.name) == "unknown") unknown = d.value;
      known += known.empty() ? "" : ", ";
      known += wire_name(d.name);
    });
    if (!found) found = unknown;
    if (!found) return complain("must be one of " + known);
    to = *found;
    return true;
  }

  template <class T>
  bool read_vector(const boost::json::value& from, T& to) {
    if (!from.is_array()) return complain("must be a list");
    to.clear();
    to.reserve(from.get_array().size());
    for (const auto& element : from.get_array()) {
      path_.push_back(std::to_string(to.size()));
      if (!read(element, to.emplace_back())) return false;
      path_.pop_back();
    }
    return true;
  }

  template <class T>
  bool read_map(const boost::json::value& from, T& to) {
    if (!from.is_object()) return complain("must be an object");
    to.clear();
    for (const auto& [key, element] : from.get_object()) {
      path_.emplace_back(key);
      if (!read(element, to[std::string(key)])) return false;
      path_.pop_back();
    }
    return true;
  }

  template <class T>
  bool read_struct(const boost::json::value& from, T& to) {
    if (!from.is_object()) return complain("must be an object");
    const auto& object = from.get_object();
    bool fine = true;
    std::size_t known = 0;
    boost::mp11::mp_for_each<members_of<T>>([&](auto d) {
      if (!fine) return;
      using member = std::remove_reference_t<decltype(to.*d.pointer)>;
      const auto name = wire_name(d.name);
      path_.emplace_back(name);
      if (const auto* value = object.if_contains(name)) {
        ++known;
        fine = read(*value, to.*d.pointer);
      } else if (!is_optional<member>) {
        // With `prot` for `port` both are true; the word that is wrong is what helps.
        path_.pop_back();
        const bool unknown_one = unknown_ == unknown_members::refused && !complain_of_unknown<T>(object);
        if (!unknown_one) {
          path_.emplace_back(name);
          complain("is missing");
        }
        fine = false;
      }
      if (fine) path_.pop_back();
    });
    if (fine && unknown_ == unknown_members::refused && known != object.size())
      fine = complain_of_unknown<T>(object);
    if constexpr (requires { to.complaint(); }) {
      if (fine)
        if (const char* why = to.complaint()) return complain(why);
    }
    return fine;
  }

  template <class T>
  bool complain_of_unknown(const boost::json::object& object) {
    for (const auto& entry : object) {
      bool known = false;
      boost::mp11::mp_for_each<members_of<T>>(
          [&](auto d) { known = known || wire_name(d.name) == entry.key(); });
      if (known) continue;
      path_.emplace_back(entry.key());
      return complain("is not known here");
    }
    return true;
  }

  unknown_members unknown_;
  std::vector<std::string> path_;
  std::string complaint_;
};

template <class T>
constexpr unknown_members unknown_members_of() {
  if constexpr (requires { T::moves_value; }) {
    if (T::moves_value) return unknown_members::refused;
  }
  return unknown_members::ignored;
}

}  // namespace detail

// Throws failure(TILLD_E_INVALID) with the path of the member that does not fit. Unknown members are refused
// in requests that move value and ignored elsewhere, unless the caller says otherwise.
template <class T>
T from_json(const boost::json::value& value, unknown_members unknown = detail::unknown_members_of<T>()) {
  detail::json_walk walk(unknown);
  T result{};
  if (!walk.read(value, result)) throw failure(TILLD_E_INVALID, walk.complaint());
  return result;
}

// The same without the result and without an exception: what is wrong, or nothing.
template <class T>
std::optional<std::string> complaint_about(const boost::json::value& value,
                                           unknown_members unknown = detail::unknown_members_of<T>()) {
  detail::json_walk walk(unknown);
  T ignored{};
  if (walk.read(value, ignored)) return std::nullopt;
  return walk.complaint();
}

// The text of a body. Empty text is the empty object, so that a request without members needs no body.
inline boost::json::value parse_body(std::string_view text) {
  if (text.empty()) return boost::json::object();
  boost::json::error_code failed;
  auto value = boost::json::parse(text, failed);
  if (failed) throw failure(TILLD_E_INVALID, "body: is not JSON (" + failed.message() + ")");
  return value;
}

}  // namespace tilld
