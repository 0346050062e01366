// What a program with the libraries of tilld costs before it does anything: it opens a database in WAL mode,
// reads a line of YAML, makes a key, and answers one JSON object a line to one caller.
#include <openssl/sha.h>
#include <sodium.h>
#include <spdlog/spdlog.h>
#include <sqlite3.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>
#include <zstd.h>

#include <cstdlib>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>

namespace asio = boost::asio;

int main(int argc, char** argv) {
  if (argc < 3) return EXIT_FAILURE;
  sqlite3* db = nullptr;
  if (sqlite3_open(argv[2], &db) != SQLITE_OK) return EXIT_FAILURE;
  sqlite3_exec(db, "PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS t (a); INSERT INTO t VALUES (1)",
               nullptr, nullptr, nullptr);
  auto till = YAML::Load("{till: {id: till-1, branch: main}}")["till"]["id"].as<std::string>();
  unsigned char digest[32], public_half[32], secret_half[64];
  SHA256(reinterpret_cast<const unsigned char*>(till.data()), till.size(), digest);
  if (sodium_init() < 0 || ZSTD_versionNumber() == 0) return EXIT_FAILURE;
  crypto_sign_keypair(public_half, secret_half);
  spdlog::debug("{} is ready", till);
  sd_notify(0, "READY=1");

  asio::io_context io(1);
  ::unlink(argv[1]);
  asio::local::stream_protocol::acceptor door(io, asio::local::stream_protocol::endpoint(argv[1]));
  for (;;) {
    boost::system::error_code failed;
    auto socket = door.accept(failed);
    std::string inbox;
    while (!failed) {
      auto size = asio::read_until(socket, asio::dynamic_buffer(inbox), '\n', failed);
      if (failed) break;
      auto value = boost::json::parse(boost::json::string_view(inbox.data(), size - 1), failed);
      inbox.erase(0, size);
      asio::write(socket, asio::buffer(boost::json::serialize(value) + "\n"), failed);
    }
  }
}
