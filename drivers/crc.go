package drivers

import "fmt"

// CRC8 is the checksum that Sensirion's chips and the AHT20 send: polynomial
// 0x31, begun with 0xFF. That of BE EF is 92 (SHT3x datasheet, §4.12).
func CRC8(b []byte) byte {
	crc := byte(0xFF)
	for _, c := range b {
		crc ^= c
		for range 8 {
			carry := crc >> 7
			crc = crc<<1 ^ carry*0x31
		}
	}
	return crc
}

// Words decodes 16-bit words, high byte first, each followed by its [CRC8].
func Words(b []byte) ([]uint16, error) {
	if len(b)%3 != 0 {
		return nil, fmt.Errorf("%d bytes are no words with checksums", len(b))
	}
	words := make([]uint16, 0, len(b)/3)
	for ; len(b) > 0; b = b[3:] {
		if crc := CRC8(b[:2]); crc != b[2] {
			return nil, fmt.Errorf("wrong checksum %#02x of % x, expected %#02x: the bus is disturbed, shorten the wires or slow it down",
				b[2], b[:2], crc)
		}
		words = append(words, uint16(b[0])<<8|uint16(b[1]))
	}
	return words, nil
}
