package dev.crewhall.example;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JSON as maps, lists, strings, numbers, booleans and null. A real agent has a library for that. */
final class Json {
  private final String text;
  private int at;

  private Json(String text) {
    this.text = text;
  }

  static Object read(String text) {
    Json reader = new Json(text);
    Object value = reader.value();
    reader.space();
    if (reader.at != text.length()) {
      throw reader.wrong();
    }
    return value;
  }

  static String write(Object value) {
    if (value instanceof Map<?, ?> map) {
      List<String> parts = new ArrayList<>();
      map.forEach((name, part) -> parts.add(quote((String) name) + ":" + write(part)));
      return "{" + String.join(",", parts) + "}";
    }
    return value instanceof String string ? quote(string) : String.valueOf(value);
  }

  private Object value() {
    space();
    switch (peek()) {
      case '{':
        return object();
      case '[':
        return array();
      case '"':
        return string();
      default:
        return word();
    }
  }

  private Map<String, Object> object() {
    Map<String, Object> found = new LinkedHashMap<>();
    at++;
    for (space(); peek() != '}'; space()) {
      String name = string();
      space();
      take(':');
      found.put(name, value());
      space();
      if (peek() != '}') {
        take(',');
      }
      space();
    }
    at++;
    return found;
  }

  private List<Object> array() {
    List<Object> found = new ArrayList<>();
    at++;
    for (space(); peek() != ']'; space()) {
      found.add(value());
      space();
      if (peek() != ']') {
        take(',');
      }
    }
    at++;
    return found;
  }

  private String string() {
    StringBuilder found = new StringBuilder();
    take('"');
    while (peek() != '"') {
      char next = text.charAt(at++);
      found.append(next == '\\' ? escaped() : next);
    }
    at++;
    return found.toString();
  }

  private char escaped() {
    char which = text.charAt(at++);
    if (which == 'u') {
      at += 4;
      return (char) Integer.parseInt(text.substring(at - 4, at), 16);
    }
    int place = "bfnrt".indexOf(which);
    return place < 0 ? which : "\b\f\n\r\t".charAt(place);
  }

  private Object word() {
    int begin = at;
    while (at < text.length() && ",]} \t\r\n".indexOf(text.charAt(at)) < 0) {
      at++;
    }
    String word = text.substring(begin, at);
    switch (word) {
      case "null":
        return null;
      case "true":
      case "false":
        return Boolean.valueOf(word);
      default:
        return Double.valueOf(word);
    }
  }

  private static String quote(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char next : text.toCharArray()) {
      if (next == '"' || next == '\\') {
        quoted.append('\\').append(next);
      } else if (next < ' ') {
        quoted.append(String.format("\\u%04x", (int) next));
      } else {
        quoted.append(next);
      }
    }
    return quoted.append('"').toString();
  }

  private void space() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
  }

  private char peek() {
    if (at >= text.length()) {
      throw wrong();
    }
    return text.charAt(at);
  }

  private void take(char wanted) {
    if (peek() != wanted) {
      throw wrong();
    }
    at++;
  }

  private IllegalArgumentException wrong() {
    return new IllegalArgumentException("no JSON at character " + at);
  }
}
