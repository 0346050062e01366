#include "plugins/escpos-printer/code.hpp"

#include <qrencode.h>
#include <zint.h>

#include <algorithm>
#include <memory>

namespace tilld::escpos {
namespace {

constexpr int module_dots_min = 2;
constexpr int qr_quiet_modules = 4;

error too_wide(const paper& on) {
  return {errc::code_too_wide, "is wider than the paper of " + std::to_string(on.width_dots) + " dots"};
}
error unsuitable(std::string sentence) { return {errc::invalid_params, std::move(sentence)}; }

using symbology = barcode_element::symbology;

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// GS1 General Specifications 7.9: weights 3 and 1 from the right.
char check_digit(std::string_view digits) {
  int sum = 0, weight = 3;
  for (auto it = digits.rbegin(); it != digits.rend(); ++it, weight = 4 - weight) sum += (*it - '0') * weight;
  return char('0' + (10 - sum % 10) % 10);
}

// The digits without their check digit, which zint adds again.
result<std::string> article_number(std::string_view data, std::size_t digits) {
  if (!all_digits(data) || (data.size() != digits && data.size() != digits + 1))
    return unsuitable("must have " + std::to_string(digits + 1) +
                      " digits, the last of them the check digit");
  auto body = data.substr(0, digits);
  if (data.size() > digits && data.back() != check_digit(body)) return unsuitable("has a wrong check digit");
  return std::string(body);
}

// What zint wants: brackets around application identifiers.
std::string bracketed(std::string text) {
  std::replace(text.begin(), text.end(), '(', '[');
  std::replace(text.begin(), text.end(), ')', ']');
  return text;
}

struct zint_job {
  int symbology_number = 0;
  int input_mode = DATA_MODE;
  int quiet_modules = 10;
  std::string data;
};

result<zint_job> zint_job_for(const barcode_element& barcode) {
  auto numbered = [&](int number, std::size_t digits, int quiet) -> result<zint_job> {
    auto article = article_number(barcode.data, digits);
    if (!article) return article.error();
    return zint_job{number, DATA_MODE, quiet, *article};
  };
  switch (barcode.type) {
    case symbology::ean13: return numbered(BARCODE_EANX, 12, 11);
    case symbology::ean8: return numbered(BARCODE_EANX, 7, 10);
    case symbology::upca: return numbered(BARCODE_UPCA, 11, 10);
    case symbology::code128: return zint_job{BARCODE_CODE128, DATA_MODE, 10, barcode.data};
    case symbology::gs1_128: return zint_job{BARCODE_GS1_128, GS1_MODE, 10, bracketed(barcode.data)};
    case symbology::code39: return zint_job{BARCODE_CODE39, DATA_MODE, 10, barcode.data};
    case symbology::code93: return zint_job{BARCODE_CODE93, DATA_MODE, 10, barcode.data};
    case symbology::codabar: return zint_job{BARCODE_CODABAR, DATA_MODE, 10, barcode.data};
    case symbology::itf: break;
  }
  // An odd number of digits would silently get a leading zero and be another number when it is scanned.
  if (!all_digits(barcode.data) || barcode.data.size() % 2)
    return unsuitable("must be an even number of digits");
  return zint_job{BARCODE_C25INTER, DATA_MODE, 10, barcode.data};
}

bool is_bar(const zint_symbol& symbol, int module) {
  return symbol.encoded_data[0][module >> 3] >> (module & 7) & 1;
}

}  // namespace

result<drawn_code> draw_qr(const qr_element& qr, const paper& on) {
  auto level = qr.ecc == 'L'   ? QR_ECLEVEL_L
               : qr.ecc == 'Q' ? QR_ECLEVEL_Q
               : qr.ecc == 'H' ? QR_ECLEVEL_H
                               : QR_ECLEVEL_M;
  std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
      QRcode_encodeData(int(qr.data.size()), reinterpret_cast<const unsigned char*>(qr.data.data()), 0,
                        level),
      QRcode_free);
  if (!code) return unsuitable("has more data than a QR code holds at this error correction");

  int modules = code->width + 2 * qr_quiet_modules;
  int module_dots = std::max(on.dots(qr.size) / modules, module_dots_min + 1);
  module_dots = std::min(module_dots, on.width_dots / modules);
  if (module_dots < module_dots_min) return too_wide(on);

  drawn_code it{bitmap(modules * module_dots, modules * module_dots), ""};
  for (int y = 0; y < code->width; ++y)
    for (int x = 0; x < code->width; ++x)
      if (code->data[y * code->width + x] & 1)
        it.picture.fill((x + qr_quiet_modules) * module_dots, (y + qr_quiet_modules) * module_dots,
                        module_dots, module_dots);
  return it;
}

result<drawn_code> draw_barcode(const barcode_element& barcode, const paper& on) {
  auto job = zint_job_for(barcode);
  if (!job) return job.error();
  std::unique_ptr<zint_symbol, decltype(&ZBarcode_Delete)> symbol(ZBarcode_Create(), ZBarcode_Delete);
  if (!symbol) return error{errc::internal, "no memory for a barcode"};
  symbol->symbology = job->symbology_number;
  symbol->input_mode = job->input_mode;
  auto* data = reinterpret_cast<const unsigned char*>(job->data.data());
  if (ZBarcode_Encode(symbol.get(), data, int(job->data.size())) >= ZINT_ERROR)
    return unsuitable(std::string("does not suit this type of barcode: ") + symbol->errtxt);

  int modules = symbol->width + 2 * job->quiet_modules;
  int preferred = (33 * on.dpi + 1270) / 2540;  // 0.33 mm, the size at which GS1 calls a symbol 100 %
  int module_dots = std::min(std::max(preferred, module_dots_min), on.width_dots / modules);
  if (module_dots < module_dots_min) return too_wide(on);

  int height = std::max(on.dots(barcode.height), on.line_dots());
  drawn_code it{bitmap(modules * module_dots, height), reinterpret_cast<const char*>(symbol->text)};
  if (it.caption.empty()) it.caption = barcode.data;
  for (int module = 0; module < symbol->width; ++module)
    if (is_bar(*symbol, module))
      it.picture.fill((module + job->quiet_modules) * module_dots, 0, module_dots, height);
  return it;
}

}  // namespace tilld::escpos
