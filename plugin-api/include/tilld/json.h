/* tilld/json.h - as much JSON as a plugin in C needs: looks into bodies and writes strings. Nothing here
 * allocates, and nothing is changed but what `to` points to. Leave it out when you have a JSON library.
 *
 *   tilld_json body, on;
 *   int is_on;
 *   if (!tilld_json_object(m->body, &body)) ...            not one JSON object: answer TILLD_E_INVALID
 *   if (tilld_json_member(body, "on", &on) && tilld_json_bool(on, &is_on)) ... */
#ifndef TILLD_JSON_H
#define TILLD_JSON_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tilld/plugin.h>

/* A value: its text within the body, which must live longer. */
typedef struct tilld_json {
  const char* begin;
  const char* end;
} tilld_json;

enum { TILLD_JSON_DEPTH_MAX = 32 };

static inline const char* tilld_json_blanks(const char* at, const char* end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) ++at;
  return at;
}

static inline int tilld_json_hex(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/* Behind the string that begins here; NULL where there is none. */
static inline const char* tilld_json_skip_string(const char* at, const char* end) {
  if (at == end || *at != '"') return NULL;
  for (++at; at < end && *at != '"'; ++at) {
    if ((unsigned char)*at < 0x20) return NULL;
    if (*at != '\\') continue;
    if (++at == end) return NULL;
    if (*at == 'u') {
      for (int i = 0; i < 4; ++i)
        if (++at >= end || tilld_json_hex(*at) < 0) return NULL;
    } else if (strchr("\"\\/bfnrt", *at) == NULL || *at == '\0') {
      return NULL;
    }
  }
  return at < end ? at + 1 : NULL;
}

static inline const char* tilld_json_skip_digits(const char* at, const char* end) {
  const char* begin = at;
  while (at < end && *at >= '0' && *at <= '9') ++at;
  return at == begin ? NULL : at;
}

static inline const char* tilld_json_skip_number(const char* at, const char* end) {
  if (at < end && *at == '-') ++at;
  if (at < end && *at == '0')
    ++at;
  else if ((at = tilld_json_skip_digits(at, end)) == NULL)
    return NULL;
  if (at < end && *at == '.' && (at = tilld_json_skip_digits(at + 1, end)) == NULL) return NULL;
  if (at < end && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at < end && (*at == '+' || *at == '-')) ++at;
    at = tilld_json_skip_digits(at, end);
  }
  return at;
}

/* Behind the value that begins here; NULL where there is none or it is nested too deeply. */
static inline const char* tilld_json_skip(const char* at, const char* end, int depth) {
  static const char* const words[] = {"true", "false", "null"};
  if (at >= end || depth > TILLD_JSON_DEPTH_MAX) return NULL;
  if (*at == '"') return tilld_json_skip_string(at, end);
  if (*at == '{' || *at == '[') {
    const char close = *at == '{' ? '}' : ']';
    at = tilld_json_blanks(at + 1, end);
    if (at < end && *at == close) return at + 1;
    for (;;) {
      if (close == '}') {
        if ((at = tilld_json_skip_string(at, end)) == NULL) return NULL;
        at = tilld_json_blanks(at, end);
        if (at == end || *at != ':') return NULL;
        at = tilld_json_blanks(at + 1, end);
      }
      if ((at = tilld_json_skip(at, end, depth + 1)) == NULL) return NULL;
      at = tilld_json_blanks(at, end);
      if (at < end && *at == close) return at + 1;
      if (at == end || *at != ',') return NULL;
      at = tilld_json_blanks(at + 1, end);
    }
  }
  for (int i = 0; i < 3; ++i) {
    const size_t size = strlen(words[i]);
    if ((size_t)(end - at) >= size && memcmp(at, words[i], size) == 0) return at + size;
  }
  return tilld_json_skip_number(at, end);
}

/* 1 when it is well-formed UTF-8 (RFC 3629). */
static inline int tilld_json_is_utf8(const char* text, const char* end) {
  while (text < end) {
    const unsigned first = (unsigned char)*text++;
    const unsigned second = text < end ? (unsigned char)*text : 0;
    int more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : 3;
    if (first >= 0x80 && (first < 0xc2 || first > 0xf4)) return 0;
    /* Neither longer than it must be, nor half of a UTF-16 pair, nor beyond what Unicode has. */
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0)) return 0;
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90)) return 0;
    for (; more > 0; --more, ++text)
      if (text == end || ((unsigned char)*text & 0xc0) != 0x80) return 0;
  }
  return 1;
}

/* 1 when the octets are one JSON object in UTF-8 and nothing else. No octets are the empty object. */
static inline int tilld_json_object(tilld_bytes octets, tilld_json* object) {
  static const char* const empty = "{}";
  const char* begin = octets.size > 0 ? (const char*)octets.data : empty;
  const char* end = begin + (octets.size > 0 ? octets.size : 2);
  const char* at = tilld_json_blanks(begin, end);
  if (at == end || *at != '{') return 0;
  object->begin = at;
  object->end = tilld_json_skip(at, end, 0);
  return object->end != NULL && tilld_json_blanks(object->end, end) == end && tilld_json_is_utf8(begin, end);
}

/* 1 when the object, checked by tilld_json_object, has this member. Names with escapes in them are not found.
 */
static inline int tilld_json_member(tilld_json object, const char* name, tilld_json* value) {
  const size_t size = strlen(name);
  const char* at = tilld_json_blanks(object.begin + 1, object.end);
  while (at < object.end && *at == '"') {
    const char* key = at + 1;
    const char* key_end = tilld_json_skip_string(at, object.end) - 1;
    at = tilld_json_blanks(tilld_json_blanks(key_end + 1, object.end) + 1, object.end);
    value->begin = at;
    value->end = tilld_json_skip(at, object.end, 1);
    if ((size_t)(key_end - key) == size && memcmp(key, name, size) == 0) return 1;
    at = tilld_json_blanks(value->end, object.end);
    if (*at == ',') at = tilld_json_blanks(at + 1, object.end);
  }
  return 0;
}

/* 1 when the value is a list that has an element of this index, counted from 0. */
static inline int tilld_json_element(tilld_json list, size_t index, tilld_json* value) {
  const char* at = tilld_json_blanks(list.begin + 1, list.end);
  if (*list.begin != '[') return 0;
  while (at < list.end && *at != ']') {
    value->begin = at;
    value->end = tilld_json_skip(at, list.end, 1);
    if (value->end == NULL) return 0;
    if (index-- == 0) return 1;
    at = tilld_json_blanks(value->end, list.end);
    if (*at == ',') at = tilld_json_blanks(at + 1, list.end);
  }
  return 0;
}

/* 1 when it is true or false. */
static inline int tilld_json_bool(tilld_json value, int* is_true) {
  *is_true = *value.begin == 't';
  return *value.begin == 't' || *value.begin == 'f';
}

/* 1 when it is an integer that fits: 12.0 is none. */
static inline int tilld_json_integer(tilld_json value, int64_t* number) {
  const size_t size = (size_t)(value.end - value.begin);
  char text[24];
  long long whole;
  if (size >= sizeof text || (*value.begin != '-' && (*value.begin < '0' || *value.begin > '9'))) return 0;
  memcpy(text, value.begin, size);
  text[size] = '\0';
  if (strpbrk(text, ".eE") != NULL) return 0;
  errno = 0;
  whole = strtoll(text, NULL, 10);
  if (errno == ERANGE) return 0;
  *number = (int64_t)whole;
  return 1;
}

/* 1 when it is text that fits into `room` octets with its end, as UTF-8. A zero octet in it fits nowhere. */
static inline int tilld_json_text(tilld_json value, char* to, size_t room) {
  const char* at = value.begin + 1;
  size_t size = 0;
  if (*value.begin != '"' || room == 0) return 0;
  while (at < value.end - 1) {
    unsigned long c = (unsigned char)*at++;
    if (c == '\\') {
      static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
      const char* known = strchr(from, *at);
      c = known != NULL ? (unsigned char)into[known - from] : (unsigned char)*at;
      if (*at++ == 'u') {
        c = 0;
        for (int i = 0; i < 4; ++i) c = c * 16 + (unsigned long)tilld_json_hex(*at++);
        if (c >= 0xd800 && c < 0xdc00 && value.end - at > 6 && at[0] == '\\' && at[1] == 'u') {
          unsigned long low = 0;
          for (int i = 2; i < 6; ++i) low = low * 16 + (unsigned long)tilld_json_hex(at[i]);
          if (low < 0xdc00 || low > 0xdfff) return 0;
          c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
          at += 6;
        } else if (c >= 0xd800 && c < 0xe000) {
          return 0;
        }
        if (c >= 0x80) {
          char octets[5] = {0};
          int n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
          for (int i = n - 1; i > 0; --i, c >>= 6) octets[i] = (char)(0x80 | (c & 0x3f));
          octets[0] = (char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | c);
          if (size + (size_t)n >= room) return 0;
          memcpy(to + size, octets, (size_t)n);
          size += (size_t)n;
          continue;
        }
      }
    }
    if (c == 0 || size + 1 >= room) return 0;
    to[size++] = (char)c;
  }
  to[size] = '\0';
  return 1;
}

/* Octets as a JSON string with its quotes and a zero behind. ASCII stays; each other octet is taken as the
 * Latin-1 character that it stands for. Its length, or 0 when there is no room: 6 * size + 3 octets are
 * always enough. */
static inline size_t tilld_json_quote(const char* octets, size_t size, char* to, size_t room) {
  size_t used = 0;
  if (room < 3) return 0;
  to[used++] = '"';
  for (size_t i = 0; i < size; ++i) {
    const unsigned char c = (unsigned char)octets[i];
    if (used + 8 > room) return 0;
    if (c == '"' || c == '\\') {
      to[used++] = '\\';
      to[used++] = (char)c;
    } else if (c < 0x20 || c >= 0x7f) {
      used += (size_t)snprintf(to + used, room - used, "\\u%04x", c);
    } else {
      to[used++] = (char)c;
    }
  }
  if (used + 2 > room) return 0;
  to[used++] = '"';
  to[used] = '\0';
  return used;
}

#endif
