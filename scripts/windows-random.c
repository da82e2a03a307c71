/* ProcessPrng, from which Rust's standard library takes random numbers, by an older function that wine 8 has. */
unsigned char __stdcall SystemFunction036(void *buffer, unsigned long length);

__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *data, unsigned long long length) {
    while (length > 0) {
        unsigned long part = length > 0x40000000 ? 0x40000000 : (unsigned long)length;
        if (!SystemFunction036(data, part))
            return 0;
        data += part;
        length -= part;
    }
    return 1;
}
